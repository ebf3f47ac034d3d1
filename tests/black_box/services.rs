//! The three roles as three processes on one lake, each with its sign of life; and so what `docker-compose.yml` starts.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use smelt_storage::Store;
use smelt_storage::lake::LakeSection;

use crate::support::audit::audit;
use crate::support::process::{Running, Signal, wait_until};
use crate::support::{Lake, NewLake, root};

const LONG: Duration = Duration::from_secs(60);

/// Returns the number of objects below a directory of a lake at work, from which files may vanish at any time.
fn objects(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let whole = entries.filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b".tmp-"));
    whole.map(|entry| if entry.path().is_dir() { objects(&entry.path()) } else { 1 }).sum()
}

/// Returns the number of KPIs that have a table.
fn kpis(lake: &Lake) -> usize {
    let entries = std::fs::read_dir(lake.path().join("gold")).into_iter().flatten().flatten();
    entries.filter(|entry| objects(&entry.path()) > 0).count()
}

#[test]
fn three_processes_are_together_what_one_is() {
    let lake = Lake::new();
    let role = |role| Running::start(&lake, &["up", "--every", "50ms", "--role", role]);
    let (generator, cleaner, aggregator) = (role("generate"), role("clean"), role("aggregate"));
    assert!(wait_until(LONG, || objects(&lake.path().join("bronze")) >= 9 && kpis(&lake) == 5));
    for process in [generator, cleaner, aggregator] {
        process.signal(Signal::TERM);
        assert!(process.wait(LONG).success());
    }
    lake.smelt(&["run"]);
    let alone = Lake::new();
    alone.copy_bronze(&lake);
    alone.smelt(&["run"]);
    assert_eq!((audit(&lake), lake.gold()), (audit(&alone), alone.gold()));
}

#[test]
fn a_role_does_its_own_work_only() {
    let lake = Lake::new();
    let holds = |layer| !lake.files(layer).is_empty();
    let up = |role, done: &dyn Fn() -> bool| {
        let process = Running::start(&lake, &["up", "--every", "50ms", "--role", role]);
        assert!(wait_until(LONG, done), "{role}");
        process.signal(Signal::TERM);
        assert!(process.wait(LONG).success());
    };
    up("generate", &|| objects(&lake.path().join("bronze")) > 6);
    assert!(!holds("silver") && !holds("gold"));
    let bronze = lake.files("bronze");
    up("clean", &|| objects(&lake.path().join("silver")) == bronze.len());
    assert!(!holds("gold"));
    up("aggregate", &|| kpis(&lake) == 5);
    assert_eq!(lake.files("bronze"), bronze);
}

#[test]
fn a_process_is_healthy_as_long_as_its_ticks_reach_the_lake() {
    let lake = Lake::new();
    let heartbeat = lake.path().with_file_name("heartbeat");
    let file = heartbeat.to_str().expect("UTF-8");
    let health = |within| lake.try_smelt(&["health", "--heartbeat", file, "--within", within]);
    assert_eq!(health("1h").status.code(), Some(1), "there was no tick yet");

    let up = Running::start(&lake, &["up", "--every", "50ms", "--role", "clean", "--heartbeat", file]);
    assert!(wait_until(LONG, || heartbeat.exists()));
    assert!(health("1h").status.success());
    up.kill();
    let hour_ago = std::fs::metadata(&heartbeat).and_then(|file| file.modified()).expect("a time") - 2 * LONG * 30;
    std::fs::File::open(&heartbeat).and_then(|file| file.set_modified(hour_ago)).expect("a file's time can be set");
    let sick = health("5m");
    let said = String::from_utf8_lossy(&sick.stderr);
    assert!(said.contains("unhealthy: the last tick that reached the lake ended 1h"), "{said}");
    assert_eq!(sick.status.code(), Some(1));
}

#[test]
fn a_role_that_the_pipeline_cannot_fill_is_refused() {
    let lake = Lake::with_pipeline(root().join("tests/pipelines/weather"));
    let refused = lake.try_smelt(&["up", "--role", "generate"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("nothing to generate: the pipeline has no [source.<name>]"), "{said}");
    assert_eq!(refused.status.code(), Some(2));
}

/// A service of `docker-compose.yml`, as far as a process can do its work without a container.
#[derive(Debug, serde::Deserialize)]
struct Service {
    command: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
}

#[derive(Debug, serde::Deserialize)]
struct Compose {
    services: BTreeMap<String, Service>,
}

/// A server of S3 that the services work on, in place of the file's.
struct Site {
    endpoint: String,
    access_key: String,
    secret_key: String,
    services: BTreeMap<String, Service>,
    beside: Lake,
}

impl Site {
    fn new([endpoint, access_key, secret_key]: [String; 3]) -> Self {
        let text = std::fs::read_to_string(root().join("docker-compose.yml")).expect("there is a docker-compose.yml");
        let Compose { services } = serde_saphyr::from_str(&text).expect("it is YAML");
        Self { endpoint, access_key, secret_key, services, beside: Lake::new() }
    }

    /// The variables of a service: the image's, those of the file, and where the server is.
    fn environment(&self, service: &str) -> BTreeMap<String, String> {
        let beside = |name: &str| self.beside.path().with_file_name(name).to_str().expect("UTF-8").to_owned();
        let mut environment = self.services[service].environment.clone();
        for (name, value) in [
            ("SMELT_HEARTBEAT", beside(&format!("{service}.heartbeat"))),
            ("XDG_CONFIG_HOME", beside("settings")),
            ("MINIO_ENDPOINT", self.endpoint.clone()),
            ("MINIO_ACCESS_KEY", self.access_key.clone()),
            ("MINIO_SECRET_KEY", self.secret_key.clone()),
        ] {
            let replaced = environment.insert(name.to_owned(), value);
            assert_eq!(replaced.is_some(), name.starts_with("MINIO_"), "{name}: {replaced:?}");
        }
        environment
    }

    /// `smelt <arguments>` as it runs in a service, but on this site and faster.
    fn command(&self, service: &str, arguments: &[String]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smelt"));
        // Beneath it lies the pipeline, as in the image.
        command.current_dir(root()).env_clear().envs(self.environment(service));
        command.env("SMELT_CACHE_DIR", root().join("target/components/cache"));
        command.args(arguments.iter().map(|word| if word == "5s" { "100ms" } else { word }));
        command
    }

    fn done(&self, arguments: &[&str]) {
        let arguments: Vec<_> = arguments.iter().map(|&word| word.to_owned()).collect();
        let output = self.command("cleaner", &arguments).output().expect("smelt starts");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The lake, read by nobody's service.
    fn lake(&self) -> Box<dyn Store> {
        let environment = self.environment("cleaner");
        let lake = |name: &str| environment.get(name).cloned();
        let url = lake("SMELT_LAKE").expect("the file names the lake");
        let found = smelt_storage::lake::Lake::find(Some(&url), &LakeSection::default(), &lake);
        found.and_then(|lake| lake.open()).expect("a lake")
    }
}

/// Starts by hand what `docker-compose.yml` starts, on the server of the lake. It comes to what one host on a directory comes to.
pub fn the_services_of_docker_compose_work_together(new: &NewLake<'_>) {
    let beside = new();
    let site = Site::new(beside.access());
    let minio = &site.services["minio"].environment;
    let keys = |service: &str| {
        ["MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"].map(|name| site.services[service].environment[name].clone())
    };
    let roles = ["generator", "cleaner", "aggregator"];
    for service in roles.into_iter().chain(["bucket"]) {
        assert_eq!(keys(service), [minio["MINIO_ROOT_USER"].clone(), minio["MINIO_ROOT_PASSWORD"].clone()]);
    }

    let made = site.command("bucket", &site.services["bucket"].command).output().expect("smelt starts");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let running = roles.map(|service| {
        let command = &site.services[service].command;
        assert!(command.ends_with(&["--every".to_owned(), "5s".to_owned()]), "{service}: {command:?}");
        (service, Running::spawn(&mut site.command(service, command)))
    });
    let lake = site.lake();
    let count = |layer: &str| lake.list(layer, "").map_or(0, |objects| objects.len());
    assert!(wait_until(LONG, || count("bronze/") >= 9 && count("gold/") >= 5));
    for (service, process) in running {
        let healthy = site.command(service, &["health".to_owned()]).output().expect("smelt starts");
        assert!(healthy.status.success(), "{service}: {}", String::from_utf8_lossy(&healthy.stderr));
        process.signal(Signal::TERM);
        assert!(process.wait(LONG).success(), "{service}");
    }

    site.done(&["run"]);
    site.done(&["verify"]);
    let read = |layer: &str| -> Vec<(String, Vec<u8>)> {
        let objects = lake.list(layer, "").expect("a listing").into_iter();
        let read = |key: &str| {
            let mut body = Vec::new();
            lake.open(key).expect("it is there").1.read_to_end(&mut body).expect("it can be read");
            body
        };
        objects.map(|object| (object.key[layer.len()..].to_owned(), read(&object.key))).collect()
    };
    let alone = Lake::new();
    read("bronze/").iter().for_each(|(name, body)| alone.bronze(name, body));
    alone.smelt(&["run"]);
    let gold = read("gold/").into_iter().map(|(name, body)| {
        let (kpi, _) = name.split_once('/').expect("gold has a directory for each KPI");
        (kpi.to_owned(), String::from_utf8(body).expect("gold is text"))
    });
    assert_eq!(gold.collect::<BTreeMap<_, _>>(), alone.gold());
}
