//! KPI: the requests, errors and latencies of each endpoint by day or hour.
//!
//! Percentiles are nearest ranks: the ⌈p·n⌉-th smallest of n latencies. The counts of a group sort before its latencies, so the
//! ranks are known when these come in order, and a group of any size needs no memory.

use smelt_sdk::prelude::*;

fn parameters() -> Parameters {
    let summary = "The length of the periods. It is the name of the first column too.";
    Parameters::none().choice("grain", ["day", "hour"], "day", summary)
}

#[derive(Row)]
struct Request<'a> {
    ts: Timestamp,
    method: Option<&'a str>,
    endpoint: &'a str,
    status: i64,
    bytes: i64,
    latency_ms: i64,
}

#[derive(Row)]
#[row(group(start, method, endpoint))]
#[rustfmt::skip]
enum OfEndpoint<'a> {
    Requests {
        start: Timestamp, method: Option<&'a str>, endpoint: &'a str,
        #[sum] client_errors: i64, #[sum] server_errors: i64, #[sum] bytes: i64, #[sum] rows: i64,
    },
    Latency { start: Timestamp, method: Option<&'a str>, endpoint: &'a str, latency_ms: i64, #[sum] rows: i64 },
}

/// The percentiles of the table.
const PERCENTS: [i64; 3] = [50, 95, 99];

/// The requests of an endpoint in a period so far.
#[derive(Default, Saved)]
struct Walk {
    start: Timestamp,
    method: Option<String>,
    endpoint: String,
    requests: i64,
    client_errors: i64,
    server_errors: i64,
    bytes: i64,
    /// The number of requests whose latencies were there.
    passed: i64,
    /// The latencies at each percentile, as far as they are known.
    percentiles: [Option<i64>; PERCENTS.len()],
    max_ms: i64,
}

impl Walk {
    fn take(&mut self, row: OfEndpoint) -> Result<()> {
        match row {
            OfEndpoint::Requests { start, method, endpoint, client_errors, server_errors, bytes, rows } => {
                (self.start, self.method, self.endpoint) = (start, method.map(str::to_owned), endpoint.to_owned());
                (self.requests, self.client_errors, self.server_errors) = (rows, client_errors, server_errors);
                self.bytes = bytes;
                Ok(())
            }
            OfEndpoint::Latency { latency_ms, rows, .. } => {
                self.passed.increase(rows)?;
                self.max_ms = latency_ms;
                for (percentile, percent) in self.percentiles.iter_mut().zip(PERCENTS) {
                    // The rank is reached once passed ≥ p·n, which 128 bits hold without rounding.
                    if i128::from(self.passed) * 100 >= i128::from(self.requests) * i128::from(percent) {
                        percentile.get_or_insert(latency_ms);
                    }
                }
                Ok(())
            }
        }
    }
}

/// Returns the definition of the table whose periods are in a column of that name and type.
macro_rules! by {
    ($grain:ident: $period:ty, $of:expr, $length:expr) => {{
        #[derive(Row)]
        struct Health<'a> {
            $grain: $period,
            method: Option<&'a str>,
            endpoint: &'a str,
            requests: i64,
            client_errors: i64,
            server_errors: i64,
            error_rate: Decimal<4>,
            p50_ms: i64,
            p95_ms: i64,
            p99_ms: i64,
            max_ms: i64,
            bytes: i64,
        }

        table([stringify!($grain), "method", "endpoint"])
            .input::<Request>("requests", |Request { ts, method, endpoint, status, bytes, latency_ms }, out| {
                let start = Timestamp(ts.0 - ts.0.rem_euclid($length));
                let (client_errors, server_errors) =
                    (i64::from((400..500).contains(&status)), i64::from((500..600).contains(&status)));
                out.add(OfEndpoint::Requests {
                    start,
                    method,
                    endpoint,
                    client_errors,
                    server_errors,
                    bytes,
                    rows: 1,
                })?;
                out.add(OfEndpoint::Latency { start, method, endpoint, latency_ms, rows: 1 })
            })
            .stage::<OfEndpoint>()
            .walk_to_end(
                |walk: &mut Walk, row, _| walk.take(row),
                |walk, out| {
                    let Walk { requests, client_errors, server_errors, bytes, max_ms, .. } = walk;
                    let [p50_ms, p95_ms, p99_ms] = walk.percentiles.map(|latency| latency.unwrap_or(max_ms));
                    out.add(Health {
                        $grain: $of(walk.start),
                        method: walk.method.as_deref(),
                        endpoint: &walk.endpoint,
                        requests,
                        client_errors,
                        server_errors,
                        error_rate: ((Ratio::from(client_errors) + server_errors) / requests).value()?,
                        p50_ms,
                        p95_ms,
                        p99_ms,
                        max_ms,
                        bytes,
                    })
                },
            )
            .define()
    }};
}

/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

fn api_health(config: &Config) -> Result<Definition> {
    match config.text("grain")? {
        "day" => by!(day: Date, Timestamp::date, 24 * HOUR),
        "hour" => by!(hour: Timestamp, std::convert::identity, HOUR),
        other => Err(Fault::invalid_parameters(format!("parameter `grain` must be day or hour, is `{other}`"))),
    }
}

export_table!(api_health, parameters);

#[cfg(test)]
mod tests;
