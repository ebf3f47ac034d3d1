//! Cleaner: clicks with a valid IPv4 address and a valid instant. The address only shows whether the row is genuine, so
//! the cleaner drops it.
//!
//! A line that is no JSON object does not reach this cleaner: the host's decoder rejects it as `malformed_line`.

use smelt_sdk::prelude::*;

const INVALID_IP: Rule =
    Rule::reject("invalid_ip", "The IP is missing or is no IPv4 dotted quad of parts from 0 to 255.");
const INVALID_TS: Rule = Rule::reject("invalid_ts", "The instant is missing or is no such instant.");

struct CleanClicks;

impl Cleaner for CleanClicks {
    fn describe() -> CleanerDescription {
        describe_cleaner(identity!())
            .input(["customer_id", "page", "ip", "ts"])
            .output([nullable(text("customer_id")), nullable(text("page")), timestamp("ts")])
            .rules([&INVALID_IP, &INVALID_TS])
    }

    fn open(_: &Config) -> Result<Self> {
        Ok(Self)
    }

    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
        let (customer, page) = (rows.text("customer_id")?, rows.text("page")?);
        let (ip, ts) = (rows.text("ip")?, rows.text("ts")?);
        for row in rows.rows() {
            if !ip.trimmed(row).is_some_and(is_ipv4) {
                out.reject(row, &INVALID_IP);
                continue;
            }
            let Some(ts) = ts.trimmed(row).and_then(Timestamp::parse) else {
                out.reject(row, &INVALID_TS);
                continue;
            };
            out.keep(row).text(customer.trimmed(row)).text(page.trimmed(row)).timestamp(ts);
        }
        Ok(())
    }
}

/// Returns whether the text is four parts of one to three digits, each at most 255. Leading zeros (`010`) are allowed,
/// as in `\d{1,3}(\.\d{1,3}){3}`, the usual pattern for addresses in logs.
fn is_ipv4(text: &str) -> bool {
    let (mut parts, mut digits, mut part) = (1, 0, 0);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' if digits < 3 => (digits, part) = (digits + 1, part * 10 + u32::from(byte - b'0')),
            b'.' if digits > 0 && part <= 255 => (parts, digits, part) = (parts + 1, 0, 0),
            _ => return false,
        }
    }
    parts == 4 && digits > 0 && part <= 255
}

export_cleaner!(CleanClicks);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::{CleanedRows, cells, clean};

    use super::*;

    /// Cleans rows of customer, page, IP and instant.
    fn clicks(rows: &[[&str; 4]]) -> CleanedRows {
        let rows: Vec<_> = rows.iter().map(|&row| cells(row)).collect();
        let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
        clean::<CleanClicks>("{}", &rows).expect("the rows are clean enough")
    }

    #[test]
    fn a_good_row_is_kept_without_its_ip() {
        let cleaned = clicks(&[[" C1", "/cart ", " 192.168.0.1 ", " 2025-11-13 10:35:00.25 "]]);
        assert_eq!(cleaned.kept, [["C1", "/cart", "2025-11-13T10:35:00.250000Z"]]);
        assert_eq!((cleaned.rejected, cleaned.repaired), (vec![], vec![]));
    }

    #[test]
    fn a_customer_and_a_page_may_be_missing() {
        let cleaned = clicks(&[["", " ", "1.2.3.4", "2025-11-13T10:35:00Z"]]);
        assert_eq!(cleaned.kept, [["", "", "2025-11-13T10:35:00Z"]]);
    }

    #[test]
    fn only_dotted_quads_are_ips() {
        for ip in ["0.0.0.0", "255.255.255.255", "010.001.000.09", "127.0.0.1"] {
            assert_eq!(clicks(&[["C1", "/", ip, "2025-11-13T10:35:00Z"]]).kept.len(), 1, "{ip}");
        }
        for ip in [
            "",
            " ",
            "999.999.999.999",
            "256.1.1.1",
            "1.2.3.256",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.4.",
            ".1.2.3.4",
            "1..2.3",
            "...",
            "1.2.3.-4",
            "1.2.3.+4",
            "1.2.3.0x4",
            "1.2.3.4a",
            "1. 2.3.4",
            "0001.2.3.4",
            "1.2.3.٤",
            "::1",
            "1,2,3,4",
            "1234",
        ] {
            let cleaned = clicks(&[["C1", "/", ip, "2025-11-13T10:35:00Z"]]);
            assert_eq!(cleaned.rejected, [(0, "invalid_ip".to_owned())], "{ip}");
        }
    }

    #[test]
    fn instants_may_be_written_as_postgresql_does() {
        let kept = clicks(&[["C1", "/", "1.2.3.4", "2025-01-05 10:00:00-05"]]).kept;
        assert_eq!(kept, [["C1", "/", "2025-01-05T15:00:00Z"]]);
    }

    #[test]
    fn impossible_instants_are_rejected() {
        for ts in [
            "",
            " ",
            "2025-11-13",
            "2025-02-30T00:00:00Z",
            "2025-11-13T24:00:00Z",
            "2016-12-31T23:59:60Z",
            "not-a-date",
            "1763030100",
        ] {
            let cleaned = clicks(&[["C1", "/", "1.2.3.4", ts]]);
            assert_eq!(cleaned.rejected, [(0, "invalid_ts".to_owned())], "{ts}");
        }
    }

    #[test]
    fn a_row_is_rejected_once_and_the_ip_is_looked_at_first() {
        let good = ["C1", "/", "1.2.3.4", "2025-11-13T10:35:00Z"];
        let cleaned = clicks(&[["C1", "/", "x", "x"], good, ["C1", "/", "1.2.3.4", "x"], good]);
        assert_eq!(cleaned.rejected, [(0, "invalid_ip".to_owned()), (2, "invalid_ts".to_owned())]);
        assert_eq!(cleaned.kept.len(), 2);
    }
}
