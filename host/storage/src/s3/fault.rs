//! The failures of a server or of the connection to it, each with a sentence for people.

use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use smelt_common::error::Kind;

/// The number of characters of a server's message that are repeated.
const TEXT: usize = 300;

/// The reason why a request failed.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// The server refused the request.
    Answered { status: u16, code: String, message: String, date: String },
    /// There is no such object.
    Missing,
    /// The object was replaced while it was read.
    Replaced,
    /// No answer came in time.
    Late,
    /// There are no credentials. The text tells why a source of credentials failed, if there is one.
    Nameless(Option<String>),
    /// The server cannot be reached, the connection broke, or nothing could be sent.
    Unreachable(String),
    /// The answer is not one that S3's documentation allows.
    Odd(String),
}

impl Fault {
    fn status(&self) -> u16 {
        match self {
            Self::Answered { status, .. } => *status,
            _ => 0,
        }
    }

    fn code(&self) -> &str {
        match self {
            Self::Answered { code, .. } => code,
            _ => "",
        }
    }

    pub(super) fn is_missing_bucket(&self) -> bool {
        self.code() == "NoSuchBucket"
    }

    /// Returns whether the bucket that was to be made is there already.
    pub(super) fn is_own_bucket(&self) -> bool {
        self.code() == "BucketAlreadyOwnedByYou"
    }

    /// Returns whether there is no such object. There may be no such bucket either: an answer to HEAD does not tell.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing) || self.status() == 404 && !matches!(self.code(), "NoSuchBucket" | "NoSuchUpload")
    }

    /// Returns whether the upload has ended or was aborted.
    pub(super) fn is_missing_upload(&self) -> bool {
        self.code() == "NoSuchUpload"
    }

    /// Returns whether there is an object with that key.
    pub(super) fn is_taken(&self) -> bool {
        self.status() == 412
    }

    /// Returns whether someone else is writing that object at this moment.
    pub(super) fn is_contended(&self) -> bool {
        self.status() == 409
    }

    /// Returns whether the object ends before the requested range.
    pub(super) fn is_beyond_end(&self) -> bool {
        self.status() == 416
    }

    /// Returns the kind of error, which tells who has to act.
    pub(super) fn kind(&self) -> Kind {
        match (self, self.code()) {
            (Self::Missing, _) => Kind::Damaged,
            (Self::Nameless(None), _) => Kind::InvalidConfig,
            (
                _,
                "InvalidAccessKeyId" | "NotSignedUp" | "SignatureDoesNotMatch" | "NoSuchBucket" | "InvalidBucketName",
            ) => Kind::InvalidConfig,
            (_, "PermanentRedirect" | "AuthorizationHeaderMalformed") => Kind::InvalidConfig,
            _ => Kind::Unavailable,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(out, "there is none"),
            Self::Replaced => write!(out, "it was replaced while it was read"),
            Self::Nameless(why) => write!(
                out,
                "there are no credentials{}: set MINIO_ACCESS_KEY and MINIO_SECRET_KEY if it has an endpoint, or \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE",
                why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default()
            ),
            Self::Late => write!(out, "the server did not answer in time"),
            Self::Unreachable(why) | Self::Odd(why) => write!(out, "{why}"),
            Self::Answered { status, code, message, date } => match (code.as_str(), status) {
                ("InvalidAccessKeyId" | "NotSignedUp", _) => write!(out, "the server does not know the access key"),
                ("SignatureDoesNotMatch", _) => write!(out, "the secret key does not belong to the access key"),
                ("ExpiredToken" | "TokenRefreshRequired", _) => write!(out, "the credentials have expired"),
                ("RequestTimeTooSkewed", _) => {
                    write!(
                        out,
                        "the clocks of this machine and of the server are too far apart: the server's says {date}"
                    )
                }
                ("NoSuchBucket", _) => write!(out, "there is no such bucket: `smelt init` makes it"),
                ("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException", _) => {
                    write!(out, "the bucket is in another region: set `region` in [lake], or AWS_REGION")
                }
                ("SlowDown" | "ServiceUnavailable" | "TooManyRequests", _) | ("", 429 | 503) => {
                    write!(out, "the server is too busy ({status} {code}) and stayed so")
                }
                (code, 507)
                | (code @ ("XMinioStorageFull" | "QuotaExceeded" | "XMinioAdminBucketQuotaExceeded"), _) => {
                    write!(out, "no room is left on the server ({status} {code})")
                }
                ("AccessDenied", _) | ("", 401 | 403) => write!(out, "access is denied ({status} {code})"),
                (code, status) => {
                    let text = message.chars().take(TEXT).flat_map(char::escape_debug).collect::<String>();
                    let colon = if text.is_empty() { "" } else { ": " };
                    write!(out, "the server answered {status} {code}{colon}{text}")
                }
            },
        }
    }
}

impl<E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static> From<SdkError<E>> for Fault {
    fn from(error: SdkError<E>) -> Self {
        if let Some(why) = nameless(&error) {
            return why;
        }
        match &error {
            SdkError::TimeoutError(_) => Self::Late,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                Self::Unreachable("the server cannot be reached: it did not answer in time".to_owned())
            }
            SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
                Some(why) if failure.is_io() => {
                    Self::Unreachable(format!("the server cannot be reached: {}", root(why)))
                }
                why => Self::Unreachable(why.map_or_else(|| root(&error), |why| root(why))),
            },
            SdkError::ServiceError(answer) => {
                let (said, raw) = (answer.err(), answer.raw());
                Self::Answered {
                    status: raw.status().as_u16(),
                    code: said.code().unwrap_or_default().to_owned(),
                    message: said.message().unwrap_or_default().to_owned(),
                    date: header(raw, "date").to_owned(),
                }
            }
            SdkError::ResponseError(answer) => {
                Self::Odd(format!("the answer is not S3's ({}): {}", answer.raw().status().as_u16(), root(&error)))
            }
            _ => Self::Odd(root(&error)),
        }
    }
}

/// Returns the header's value, or an empty text if there is no such header.
pub(super) fn header<'r>(response: &'r HttpResponse, name: &str) -> &'r str {
    response.headers().get(name).unwrap_or_default()
}

/// Returns the fault if the reason is that no source of credentials had any.
fn nameless(error: &(dyn std::error::Error + 'static)) -> Option<Fault> {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    match causes.find_map(|cause| cause.downcast_ref())? {
        CredentialsError::CredentialsNotLoaded(_) => Some(Fault::Nameless(None)),
        other => Some(Fault::Nameless(Some(root(other)))),
    }
}

/// Returns the text of the first cause. The SDK wraps it in many words that tell nothing.
fn root(error: &dyn std::error::Error) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string().chars().take(TEXT).flat_map(char::escape_debug).collect()
}
