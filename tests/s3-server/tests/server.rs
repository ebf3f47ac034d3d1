//! The server behaves as S3 by itself, and goes wrong only as a fault says. The real server starts.

mod client;

use std::io;
use std::thread;

use chrono::TimeDelta;
use client::{Answer, Client};
use smelt_s3_server::{Action, BUCKET_FULL, Fault, Minio, Server};

fn start() -> (Server, Client) {
    let server = Server::start().unwrap();
    server.create_bucket("lake").unwrap();
    let client = Client::new(&server.endpoint(), server.access_key(), server.secret_key());
    (server, client)
}

fn stored(server: &Server, key: &str) -> Option<String> {
    server.get("lake", key).unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn one_of_racing_conditional_puts_wins() {
    let (server, client) = start();
    for round in 0..50 {
        let key = format!("lake/{round}");
        let put = |body: usize| client.create(&key, &body.to_string()).unwrap().status;
        let answers: Vec<u16> = thread::scope(|scope| {
            let racing: Vec<_> = (0..12).map(|racer| scope.spawn(move || put(racer))).collect();
            racing.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        let winners: Vec<usize> = (0..12).filter(|&racer| answers[racer] == 200).collect();
        assert_eq!(winners.len(), 1, "round {round}: {answers:?}");
        assert_eq!(answers.iter().filter(|&&status| status == 412).count(), 11, "round {round}: {answers:?}");
        assert_eq!(stored(&server, &round.to_string()), Some(winners[0].to_string()));
    }
}

#[test]
fn every_request_is_written_down() {
    let (server, client) = start();
    client.put("lake/a/b", "four").unwrap();
    server.clear();
    client.get("lake/a/b").unwrap();
    client.list("lake", "a/").unwrap();
    client.get("lake/none").unwrap();
    let seen: Vec<_> =
        server.requests().into_iter().map(|seen| (seen.verb, seen.bucket, seen.key, seen.status.unwrap())).collect();
    let row = |verb: &str, key: &str, status| (verb.to_owned(), "lake".to_owned(), key.to_owned(), status);
    assert_eq!(seen, [row("GET", "a/b", 200), row("LIST", "a/", 200), row("GET", "none", 404)]);
}

#[test]
fn a_wrong_secret_and_a_wrong_clock_are_refused() {
    let (server, client) = start();
    let wrong = Client::new(&server.endpoint(), server.access_key(), "wrong");
    let answer = wrong.get("lake/a").unwrap();
    assert_eq!((answer.status, answer.body.contains("SignatureDoesNotMatch")), (403, true), "{answer:?}");
    server.set_clock_ahead(86_400);
    let answer = client.get("lake/a").unwrap();
    assert_eq!((answer.status, answer.body.contains("RequestTimeTooSkewed")), (403, true), "{answer:?}");
    let mut ahead = client;
    ahead.now += TimeDelta::days(1);
    assert_eq!(ahead.put("lake/a", "1").unwrap().status, 200);
}

#[test]
fn a_refusal_does_nothing_and_comes_when_it_was_planned() {
    let (server, client) = start();
    let full = server.fault(Fault::new("PUT", "^lake/silver/", BUCKET_FULL).nth(2));
    let statuses = ["silver/a", "gold/a", "silver/b", "silver/c"].map(|key| {
        let answer = client.put(&format!("lake/{key}"), "1").unwrap();
        assert!(answer.status == 200 || answer.body.contains("<Code>XMinioStorageFull</Code>"), "{answer:?}");
        answer.status
    });
    assert_eq!((statuses, full.met()), ([200, 200, 507, 200], 1));
    assert_eq!(server.list("lake", "").unwrap(), ["gold/a", "silver/a", "silver/c"]);
}

#[test]
fn an_answer_can_be_lost_wrong_or_never_deserved() {
    let (server, client) = start();
    let put = |key: &str, action| {
        server.fault(Fault::new("PUT", key, action));
        let answer = client.put(&format!("lake/{key}"), key);
        (answer.map(|answer: Answer| answer.status).ok(), stored(&server, key))
    };
    let done = |key: &str| Some(key.to_owned());
    assert_eq!(put("lost", Action::ActThenDrop), (None, done("lost")));
    assert_eq!(put("dropped", Action::Drop), (None, None));
    assert_eq!(put("wrong", Action::ActThenRefuse(500, "InternalError")), (Some(500), done("wrong")));
    assert_eq!(put("within", Action::ErrorWithin200), (Some(200), None));
}

#[test]
fn a_held_put_lands_late_even_if_its_client_has_gone() {
    let (server, client) = start();
    let held = server.fault(Fault::new("PUT", "^lake/late$", Action::Hold));
    let unanswered = thread::scope(|scope| {
        let put = scope.spawn(|| client.create("lake/late", "late"));
        held.wait_until_held();
        assert_eq!(client.get("lake/late").unwrap().status, 404);
        // Another put comes first, so the late one loses.
        assert_eq!(client.create("lake/late", "first").unwrap().status, 200);
        held.release();
        put.join().unwrap()
    });
    assert_eq!((unanswered.unwrap().status, stored(&server, "late")), (412, Some("first".to_owned())));

    let held = server.fault(Fault::new("PUT", "^lake/gone$", Action::Hold));
    let mut gone = client.begin("PUT", "lake/gone", "body").unwrap();
    held.wait_until_held();
    gone.shutdown(std::net::Shutdown::Both).unwrap();
    drop(gone);
    held.release();
    assert_eq!(stored(&server, "gone"), Some("body".to_owned()));

    let held = server.fault(Fault::new("PUT", "^lake/never$", Action::Hold));
    gone = client.begin("PUT", "lake/never", "body").unwrap();
    held.wait_until_held();
    held.discard();
    assert_eq!((io::read_to_string(&mut gone).unwrap(), stored(&server, "never")), (String::new(), None));
}

#[test]
fn an_answer_can_wait_until_all_is_done() {
    let (server, client) = start();
    let held = server.fault(Fault::new("PUT", "^lake/a$", Action::ActThenHold));
    thread::scope(|scope| {
        let put = scope.spawn(|| client.put("lake/a", "1"));
        held.wait_until_held();
        assert_eq!(stored(&server, "a").as_deref(), Some("1"));
        held.release();
        assert_eq!(put.join().unwrap().unwrap().status, 200);
    });
}

#[test]
fn a_body_can_end_early_or_be_reset_or_slow() {
    let (server, client) = start();
    server.put("lake", "a", &[b'x'; 1000]).unwrap();
    let get = |action| {
        server.fault(Fault::new("GET", "^lake/a$", action));
        client.get("lake/a").unwrap()
    };
    let cut = get(Action::Truncate);
    assert_eq!((cut.status, cut.announced, cut.body.len(), cut.error.is_none()), (200, 1000, 500, true), "{cut:?}");
    let reset = get(Action::Reset);
    assert_eq!(reset.error.as_ref().map(io::Error::kind), Some(io::ErrorKind::ConnectionReset), "{reset:?}");
    let slow = get(Action::Throttle(20_000));
    assert_eq!((slow.status, slow.body.len(), slow.error.is_none()), (200, 1000, true), "{slow:?}");
}

#[test]
fn a_listing_can_be_stale_and_knows_more_than_a_page() {
    let (server, client) = start();
    for key in 0..1005 {
        server.put("lake", &format!("b/{key:04}"), b"").unwrap();
    }
    let keys = |answer: &Answer| answer.body.matches("<Key>").count();
    let first = client.list("lake", "b/").unwrap();
    assert_eq!((keys(&first), first.body.contains("<IsTruncated>true<")), (1000, true));
    let rest = client.send("GET", "lake", "list-type=2&prefix=b%2F&start-after=b%2F0999", &[], "").unwrap();
    assert_eq!((keys(&rest), rest.body.contains("<IsTruncated>false<")), (5, true));
    // This key is written again, so it is new.
    server.put("lake", "b/1000", b"again").unwrap();
    server.fault(Fault::new("LIST", "^lake/b/100", Action::Stale(2)));
    let stale = client.list("lake", "b/100").unwrap();
    assert!(["b/1000", "b/1004"].iter().all(|key| !stale.body.contains(key)) && keys(&stale) == 3, "{stale:?}");
}

#[test]
fn a_flipped_bit_changes_nothing_else() {
    let (server, client) = start();
    client.put("lake/a", "@@").unwrap();
    server.flip_bit("lake", "a", 8).unwrap();
    assert_eq!(client.get("lake/a").unwrap().body, "@A");
    assert!(server.flip_bit("lake", "a", 16).is_err());
}

#[test]
fn chaos_decides_by_its_seed() {
    let decided = |seed| {
        let (server, client) = start();
        server.put("lake", "a", b"1234").unwrap();
        server.chaos(seed, 400);
        (0..60).for_each(|_| drop(client.get("lake/a")));
        server.requests().into_iter().map(|request| request.fault).collect::<Vec<_>>()
    };
    let (one, again, other) = (decided(1), decided(1), decided(2));
    assert_eq!(one, again);
    assert_ne!(one, other);
    let faults = one.iter().flatten().count();
    assert!((12..=36).contains(&faults), "{faults} of 60 at 400 of 1,000");
}

#[test]
fn a_real_minio_creates_an_object_once() {
    let Some(minio) = Minio::start_or_skip("a_real_minio_creates_an_object_once").unwrap() else { return };
    let client = Client::new(&minio.endpoint(), minio.access_key(), minio.secret_key());
    // MinIO may still be starting when it says that it has started.
    let made = (0..1000).map(|_| client.put("lake", "").unwrap().status).find(|status| *status != 503);
    assert_eq!(made, Some(200));
    let race = ["1", "2"].map(|body| client.create("lake/a", body).unwrap().status);
    assert_eq!((race, client.get("lake/a").unwrap().body.as_str()), ([200, 412], "1"));
}
