//! Source: makes a file of invented events at every tick. It derives its only randomness from the seed.

use smelt_sdk::prelude::*;

const KINDS: [&str; 3] = ["sale", "visit", ""];

struct Plugin;

impl Source for Plugin {
    fn describe() -> SourceDescription {
        describe_source(identity!())
            .parameters(Parameters::none().integer("events", 0..=1_000_000, 100, "Events a tick."))
            .objects(["events_*.csv"])
    }

    fn generate(config: &Config, tick: Tick) -> Result<Vec<Object>> {
        let (number, stamp) = (tick.number, tick.as_of.stamp());
        let mut csv = String::from("id,kind,amount,at\n");
        for event in 0..config.integer("events")? {
            let random = mix(mix(tick.seed ^ mix(number)) ^ event as u64);
            let (kind, cents) = (KINDS[(random % 3) as usize], random / 3 % 10_000);
            let (whole, cents, at) = (cents / 100, cents % 100, tick.as_of);
            csv.push_str(&format!("{number}-{event},{kind},{whole}.{cents:02},{at}\n"));
        }
        Ok(vec![Object::new(format!("events_{stamp}.csv"), csv)])
    }
}

/// Returns a number that looks random and depends only on `number`: SplitMix64.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

export_source!(Plugin);
