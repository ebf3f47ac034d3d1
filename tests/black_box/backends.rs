//! One suite for every backend: it holds wherever a lake lies, in a directory, on the S3 server in this process or on MinIO.
//!
//! A behaviour is a function that is handed a way to make empty lakes. The list at the end names all behaviours and is the only
//! place that knows on which backends each of them runs.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;
use smelt_s3_server::Minio;

use crate::s3::{assert_whole, at_work, clients};
use crate::support::ticks::assert_like_uninterrupted;
use crate::support::{Lake, NewLake};
use crate::{faults, privacy, promotion, services, smoke};

/// Makes a test of each behaviour and backend. MinIO takes seconds to start, so all behaviours share one server there, and one
/// test that reports every behaviour that failed.
macro_rules! behaviours {
    (everywhere { $($of:ident::$anywhere:ident,)+ } in_buckets { $($from:ident::$in_buckets:ident,)+ }) => {
        mod in_a_directory {
            use super::*;
            $(#[test] fn $anywhere() { $of::$anywhere(&Lake::new); })+
        }

        mod on_an_s3_server {
            use super::*;
            $(#[test] fn $anywhere() { $of::$anywhere(&|| Lake::new().on_s3()); })+
            $(#[test] fn $in_buckets() { $from::$in_buckets(&|| Lake::new().on_s3()); })+
        }

        const ON_MINIO: &[(&str, fn(&NewLake<'_>))] = &[
            $((stringify!($anywhere), $of::$anywhere),)+
            $((stringify!($in_buckets), $from::$in_buckets),)+
        ];
    };
}

#[test]
fn on_minio() {
    let Some(minio) = Minio::start_or_skip("backends::on_minio").expect("MinIO starts") else { return };
    let fails = |behaviour: fn(&NewLake<'_>)| {
        catch_unwind(AssertUnwindSafe(|| behaviour(&|| Lake::new().on_minio(&minio)))).is_err()
    };
    let failed: Vec<_> = ON_MINIO.iter().filter(|(_, behaviour)| fails(*behaviour)).map(|(name, _)| name).collect();
    assert!(failed.is_empty(), "on MinIO these fail, each for the reason told above: {failed:?}");
}

mod itself {
    use super::*;

    pub(super) fn a_lake_comes_to_what_one_in_a_directory_comes_to(new: &NewLake<'_>) {
        let lake = at_work(new());
        lake.smelt(&["run"]);
        assert_whole(&lake);
        let left = lake.json(&["run"]);
        assert_eq!((&left["cleaned"], &left["sequence"]), (&0.into(), &lake.json(&["history"])["state"]["sequence"]));
    }

    pub(super) fn a_replaced_bronze_object_is_cleaned_again(new: &NewLake<'_>) {
        let lake = at_work(new());
        lake.smelt(&["run"]);
        let bronze = lake.files("bronze");
        let mut orders = bronze.keys().filter(|name| name.starts_with("orders_"));
        let [Some(replaced), Some(other)] = [orders.next(), orders.next()] else { panic!("orders came twice") };
        lake.bronze(replaced, &bronze[other]);
        // Rows of the object may have won over rows of others, so smelt rebuilds the dataset.
        let orders = bronze.keys().filter(|name| name.starts_with("orders_")).count();
        assert_eq!(lake.json(&["run", "--reconcile"])["cleaned"], orders);
        assert_like_uninterrupted(&lake);
    }

    pub(super) fn a_missing_a_damaged_and_a_foreign_object_are_found(new: &NewLake<'_>) {
        let lake = at_work(new());
        lake.smelt(&["run"]);
        let first = |layer: &str| format!("{layer}/{}", lake.files(layer).into_keys().next().expect("an object"));
        let [missing, damaged, foreign] = [first("silver"), first("quarantine"), "gold/aov/aov_mine.csv".to_owned()];
        lake.remove(&missing);
        lake.put(&damaged, "x");
        lake.put(&foreign, "x");
        let json = lake.end(&["verify", "--json"]).json();
        let problem = |problem: &Value| {
            let [object, found] = ["object", "found"].map(|key| problem[key].as_str().expect("a text").to_owned());
            (object, found)
        };
        let found: BTreeMap<_, _> = json["problems"].as_array().expect("a list").iter().map(problem).collect();
        let expected = [(missing, "missing"), (damaged, "damaged"), (foreign, "foreign")];
        assert_eq!(found, expected.map(|(object, found)| (object, found.to_owned())).into());
    }
}

behaviours! {
    everywhere {
        smoke::raw_files_become_kpis_and_a_second_run_does_nothing,
        itself::a_lake_comes_to_what_one_in_a_directory_comes_to,
        itself::a_replaced_bronze_object_is_cleaned_again,
        itself::a_missing_a_damaged_and_a_foreign_object_are_found,
        faults::the_newest_object_of_a_large_dataset_is_parked,
        privacy::a_lake_is_refused_without_the_key_that_it_was_written_with,
        promotion::what_a_cleaner_made_is_kept_and_brought_back_without_bronze,
    }
    in_buckets {
        clients::boto3_and_polars_read_a_lake,
        services::the_services_of_docker_compose_work_together,
    }
}
