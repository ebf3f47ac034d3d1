//! Runs the suite against a server in this process, and against failures that this server makes on demand.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use smelt_s3_server::{Action, Fault, Minio, Server};

use super::S3Store;
use crate::buckets::{BucketUrl, Connection, Credentials, Object, Places};
use crate::store::{Durability, Store as _, Unfinished};
use crate::{put_new, read, suite};
use smelt_common::error::Kind;

const BUCKET: &str = "lake";

fn connection(server: &Server) -> Connection {
    let credentials = Credentials { access_key: server.access_key().into(), secret_key: server.secret_key().into() };
    Connection { endpoint: Some(server.endpoint().to_owned()), credentials: Some(credentials), ..Connection::default() }
}

fn store_at(url: &str, connection: Connection) -> S3Store {
    let places = Places::below(BucketUrl::parse(url).expect("a URL"));
    S3Store::new(places, connection).expect("a store")
}

fn with_store(test: impl FnOnce(&Server, &S3Store)) {
    let server = Server::start().expect("a server");
    server.create_bucket(BUCKET).expect("a bucket");
    test(&server, &store_at("s3://lake/some/where", connection(&server)));
}

fn replace(server: &Server, key: &str, body: &[u8]) {
    server.put(BUCKET, &format!("some/where/{key}"), body).expect("a put");
}

/// Returns the objects of the lake as the server sees them.
fn held(server: &Server) -> Vec<String> {
    server.list(BUCKET, "").expect("a listing")
}

#[test]
fn it_is_a_store() {
    suite::ALL.iter().for_each(|test| with_store(|_, store| test(store)));
    with_store(|server, store| suite::etags_tell_versions_apart(store, &|key, body| replace(server, key, body)));
    with_store(|server, store| suite::tells_what_was_changed(store, &|key, body| replace(server, key, body)));
}

#[test]
fn minio_is_a_store() {
    let Some(minio) = Minio::start_or_skip("minio_is_a_store").expect("MinIO starts") else { return };
    let credentials = || Credentials { access_key: minio.access_key().into(), secret_key: minio.secret_key().into() };
    let connection = || Connection {
        endpoint: Some(minio.endpoint().to_owned()),
        credentials: Some(credentials()),
        ..Connection::default()
    };
    for (number, test) in suite::ALL.iter().enumerate() {
        let store = store_at(&format!("s3://lake-{number}/some/where"), connection());
        assert_eq!(store.create_buckets().expect("a bucket").len(), 1);
        test(&store);
    }
}

#[test]
fn layers_in_buckets_of_their_own_are_one_store() {
    let server = Server::start().expect("a server");
    let layers = ["bronze/", "silver/", "gold/", "quarantine/", "catalog/"];
    let url = |layer: &str| BucketUrl::parse(&format!("s3://the-{}", layer.trim_end_matches('/'))).expect("a URL");
    let places = Places::apart(layers.map(|layer| (layer, url(layer)))).expect("places");
    let store = S3Store::new(places, connection(&server)).expect("a store");
    let missing = store.expect_buckets().expect_err("no buckets yet").to_string();
    assert!(missing.contains("smelt init"), "{missing}");
    assert_eq!(store.create_buckets().expect("buckets").len(), 5);
    assert_eq!(store.create_buckets().expect("they are there"), Vec::<String>::new());
    store.expect_buckets().expect("they are there");
    suite::one_of_racing_writers_wins(&store);
    suite::streams_into_an_object(&store);
    assert_eq!(server.list("the-silver", "").expect("a listing"), ["d/taken", "d/x"]);
    let all = store.list("", "").expect("a listing");
    assert!(all.is_sorted_by(|a, b| a.key < b.key) && all.len() == 22, "{all:?}");
    suite::tells_the_time(&store);
    assert_eq!(store.locate("gold/"), "s3://the-gold");
}

#[test]
fn a_transfer_that_breaks_off_goes_on_where_it_was() {
    with_store(|server, store| {
        let body: Vec<u8> = (0..3_000_000u32).map(|at| (at >> 8) as u8).collect();
        for (key, body) in [("silver/d/large", &body[..]), ("silver/d/small", &body[..70_000])] {
            assert!(store.put_if_absent(key, body, Durability::Durable).expect("a put"));
            for action in [Action::Truncate, Action::Reset] {
                let planned = server.fault(Fault::new("GET", key, action.clone()).times(3));
                assert!(read(store, key).expect("a read") == body, "{key} {action:?}");
                assert_eq!(planned.met(), 3, "{key} {action:?}");
            }
            server.fault(Fault::new("GET", key, Action::Truncate).times(2));
            assert!(
                store.read_ranges(key, std::slice::from_ref(&(10..60_000))).expect("a read") == body[10..60_000],
                "{key}"
            );
        }
        server.clear();
        server.fault(Fault::new("GET", "large", Action::Truncate));
        read(store, "silver/d/large").expect("a read");
        let gets: Vec<_> = server.requests().into_iter().map(|request| request.verb).collect();
        assert_eq!(gets, ["GET", "GET"], "only the rest is asked for again");
        assert!(server.requests()[1].sent < body.len() as u64);
    });
}

#[test]
fn a_transfer_that_always_breaks_off_is_given_up() {
    with_store(|server, store| {
        store.put_if_absent("silver/d/x", &[7; 100], Durability::Durable).expect("a put");
        let planned = server.fault(Fault::new("GET", "silver/d/x", Action::Truncate).always());
        let error = read(store, "silver/d/x").expect_err("never whole");
        assert_eq!(error.kind(), Kind::Unavailable);
        assert!(error.to_string().contains("broke off"), "{error}");
        assert!(planned.met() < 10, "{}", planned.met());
    });
}

#[test]
fn an_object_replaced_while_it_is_read_is_told() {
    with_store(|server, store| {
        let body = vec![7; 12 << 20];
        replace(server, "bronze/x", &body);
        server.fault(Fault::new("GET", "bronze/x", Action::Truncate));
        let (_, mut reader) = store.open("bronze/x").expect("opens");
        replace(server, "bronze/x", &vec![8; 12 << 20]);
        let error = reader.read_to_end(&mut Vec::new()).expect_err("two halves are no object");
        assert!(error.to_string().contains("replaced"), "{error}");
    });
}

#[test]
fn a_commit_is_sent_once_and_data_until_it_is_there() {
    with_store(|server, store| {
        let puts = |key: &str| {
            let is_it = |request: &&smelt_s3_server::Request| request.verb == "PUT" && request.key.ends_with(key);
            server.requests().iter().filter(is_it).count()
        };
        for (at, action) in [
            Action::Refuse(500, "InternalError"),
            Action::Refuse(503, "SlowDown"),
            Action::ActThenDrop,
            Action::ActThenRefuse(500, "InternalError"),
        ]
        .into_iter()
        .enumerate()
        {
            let key = format!("catalog/commits/{at}");
            server.fault(Fault::new("PUT", &key, action.clone()));
            let error = store.put_if_absent(&key, b"1", Durability::Durable).expect_err("unknown");
            assert_eq!(error.kind(), Kind::Unavailable, "{error}");
            assert_eq!(puts(&key), 1, "{action:?}");

            let stem = format!("silver/d/{at}");
            server.fault(Fault::new("PUT", &stem, action.clone()));
            let key = put_new(store, &stem, '.', ".csv", b"1", Durability::Durable).expect("a put");
            assert_eq!(key, format!("{stem}.csv"), "{action:?}");
            assert_eq!(puts(&key), 2, "{action:?}");
        }
        for status in [409, 412] {
            let key = format!("catalog/commits/{status}");
            server.fault(Fault::new("PUT", &key, Action::Refuse(status, "ConditionalRequestConflict")));
            assert!(!store.put_if_absent(&key, b"1", Durability::Durable).expect("an answer"));
            assert_eq!(puts(&key), 1);
        }
        server.fault(Fault::new("PUT", "silver/d/x", Action::Refuse(409, "ConditionalRequestConflict")).times(2));
        let mut upload = store.create("silver/d/x").expect("an upload");
        assert!(upload.finish("silver/d/x", Durability::Durable).expect("an answer"));
    });
}

#[test]
fn a_large_object_is_whole_or_not_there() {
    with_store(|server, store| {
        let upload = |key: &str| {
            let mut upload = store.create(key).expect("an upload");
            upload.write_all(&vec![7; 20 << 20]).expect("a write");
            upload.finish(key, Durability::Durable)
        };
        server.fault(Fault::new("PUT", "silver/d/a", Action::Refuse(500, "InternalError")).nth(2).times(9));
        assert_eq!(upload("silver/d/a").expect_err("a part is missing").kind(), Kind::Unavailable);
        assert_eq!(held(server), Vec::<String>::new());
        let aborted =
            server.requests().iter().any(|request| request.verb == "DELETE" && request.query.contains("uploadId"));
        assert!(aborted, "its parts do not become orphans");
        server.heal();
        // The answer to the last request is lost, or its status is 200 and its body is an error.
        for (key, action) in [("silver/d/b", Action::ActThenDrop), ("silver/d/c", Action::ErrorWithin200)] {
            server.fault(Fault::new("POST", key, action.clone()).nth(2));
            let done = upload(key);
            assert!(done.is_ok(), "{action:?}: {done:?}");
            assert_eq!(read(store, key).expect("a read").len(), 20 << 20);
        }
    });
}

#[test]
fn an_upload_that_was_left_is_found_and_ended() {
    with_store(|server, store| {
        let Object { bucket, name } = store.places.object("silver/d/x").expect("a place");
        let begin = |name: &str| {
            let begun = store.wire.client().create_multipart_upload().bucket(&bucket).key(name).send();
            store.wire.wait(begun).expect("an upload").upload_id.expect("an id")
        };
        let (ours, _elsewhere) = (begin(&name), begin("some/thing/else"));
        let now = store.clock().expect("a time");
        let found = store.unfinished().expect("a listing");
        let [Unfinished { key, id, begun }] = &found[..] else { panic!("{found:?}") };
        assert_eq!((key.as_str(), id), ("silver/d/x", &ours));
        assert!((now - begun).abs() < 60_000_000, "{begun} is not about {now}");
        for _ in 0..2 {
            store.abort(key, id).expect("it ends, or has ended");
        }
        assert_eq!(store.unfinished().expect("a listing"), []);
        let part = store.wire.client().upload_part().bucket(&bucket).key(&name).upload_id(&ours).part_number(1).send();
        assert!(super::fault::Fault::from(store.wire.wait(part).expect_err("it has ended")).is_missing_upload());
        assert_eq!(held(server), Vec::<String>::new());
    });
}

#[test]
fn what_is_wrong_is_said_in_a_sentence() {
    const SECRET: &str = "hush-hush-hush";
    let server = Server::start().expect("a server");
    server.create_bucket(BUCKET).expect("a bucket");
    let wrong = |connection: Connection| {
        server.clear();
        let error = store_at("s3://lake", connection).expect_buckets().expect_err("something is wrong");
        let attempts = server.requests().len();
        assert!(attempts <= 3, "{attempts} requests before it is said: {error}");
        let text = error.to_string();
        assert!(!text.contains(SECRET) && !text.contains(server.secret_key()) && !text.contains('\n'), "{text}");
        assert!(text.starts_with("cannot use `s3://lake` at http://127.0.0.1:"), "{text}");
        (error.kind(), text.split_once(": ").expect("why").1.to_owned())
    };
    let with = |access: &str, secret: &str| Connection {
        credentials: Some(Credentials { access_key: access.into(), secret_key: secret.into() }),
        ..connection(&server)
    };
    let (kind, why) = wrong(with("nobody", SECRET));
    assert_eq!((kind, why.as_str()), (Kind::InvalidConfig, "the server does not know the access key"));
    let (kind, why) = wrong(with(server.access_key(), SECRET));
    assert_eq!((kind, why.as_str()), (Kind::InvalidConfig, "the secret key does not belong to the access key"));

    // Only root may listen on this port, so no other test does.
    let nowhere = "127.0.0.1:1";
    let gone = Connection { endpoint: Some(format!("http://{nowhere}")), ..connection(&server) };
    let (kind, why) = wrong(gone);
    assert_eq!(kind, Kind::Unavailable);
    assert!(why.contains("cannot be reached") && why.contains("refused"), "{why}");

    let silent = server.fault(Fault::new("*", "", Action::Hold).always());
    let hasty = Connection { answer_within: Some(Duration::from_millis(100)), ..connection(&server) };
    assert_eq!(wrong(hasty), (Kind::Unavailable, "the server did not answer in time".to_owned()));
    silent.discard();
    server.heal();

    for (status, code, said) in [
        (503, "SlowDown", "the server is too busy (503 SlowDown) and stayed so"),
        (403, "AccessDenied", "access is denied (403 AccessDenied)"),
        (400, "ExpiredToken", "the credentials have expired"),
        (507, "XMinioStorageFull", "no room is left on the server (507 XMinioStorageFull)"),
        (301, "PermanentRedirect", "the bucket is in another region: set `region` in [lake], or AWS_REGION"),
    ] {
        server.fault(Fault::new("*", "", Action::Refuse(status, code)).always());
        assert_eq!(wrong(connection(&server)).1, said);
        server.heal();
    }
    let missing = store_at("s3://nowhere", connection(&server)).list("", "").expect_err("no bucket").to_string();
    assert!(missing.ends_with("there is no such bucket: `smelt init` makes it"), "{missing}");
}

#[test]
fn a_clock_that_is_wrong_is_no_obstacle() {
    with_store(|server, store| {
        for ahead in [86_400, -86_400] {
            server.set_clock_ahead(ahead);
            store.list("", "").expect("the client learns the server's time from its refusal");
            store.put_if_absent(&format!("catalog/commits/{ahead}"), b"1", Durability::Durable).expect("a put");
        }
    });
}

#[test]
fn a_store_that_replaces_objects_is_refused() {
    with_store(|server, store| {
        server.ignore_conditions();
        let error = store.prove().expect_err("no conditional writes").to_string();
        assert!(error.contains("s3://lake/some/where") && error.contains("racing writers"), "{error}");
        assert_eq!(held(server), Vec::<String>::new());
    });
}
