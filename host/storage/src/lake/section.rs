//! The manifest's section `[lake]`.

use serde::Deserialize;

/// The place of the whole lake, or one for each layer, and how to reach them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LakeSection {
    /// A directory, relative to the manifest's, or `s3://bucket[/prefix]`. The default is `./lake` in the directory
    /// where the command is started.
    pub url: Option<String>,
    /// The place of raw objects: `s3://bucket[/prefix]`, as for the layers that follow.
    pub bronze: Option<String>,
    /// The place of clean objects.
    pub silver: Option<String>,
    /// The place of KPI tables.
    pub gold: Option<String>,
    /// The place of rejected rows.
    pub quarantine: Option<String>,
    /// The place of the catalog.
    pub catalog: Option<String>,
    /// The URL of a server other than AWS, such as `http://localhost:9000`.
    pub endpoint: Option<String>,
    /// The region. The default is the one that AWS's own tools use, or `us-east-1`.
    pub region: Option<String>,
    /// True if URLs name the bucket in the path, false if they name it in the host. By default true if there is an
    /// endpoint.
    pub path_style: Option<bool>,
}
