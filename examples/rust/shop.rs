// Sends an order and a wrong one to Shopalytic, prints the verdicts, and asks for the day's sales.
// rustc shop.rs && ./shop (Rust 1.70 or later, nothing else). It speaks HTTP by hand to need no crate;
// a shop takes `ureq` or `reqwest` for `call`, and https.

use std::env;
use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Sends one call of the contract as JSON and gives its answer.
fn call(method: &str, key: &str, json: &str) -> Result<String, Box<dyn Error>> {
    let url = env::var("SHOPALYTIC_URL")?;
    let host = url.strip_prefix("http://").ok_or("SHOPALYTIC_URL: begin it with http://")?;
    // Sending the same events again, after a failure or Retry-After, is safe: they keep their ids.
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(15)))?;
    write!(
        stream,
        "POST /shopalytic.v1.{method} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nAuthorization: Bearer {key}\r\nContent-Length: {}\r\n\r\n{json}",
        json.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("there was no answer")?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(body.into());
    }
    Ok(body.to_owned())
}

/// A new UUID of version 4, from the system's random numbers.
fn uuid() -> Result<String, Box<dyn Error>> {
    let mut bytes = [0u8; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}

/// Days and seconds after the Unix epoch as RFC 3339 (the calendar of Howard Hinnant's `civil_from_days`).
fn rfc3339(days: u64, seconds: u64) -> String {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let place = (5 * of_year + 2) / 153;
    let day = of_year - (153 * place + 2) / 5 + 1;
    let month = if place < 10 { place + 3 } else { place - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn order(id: &str, total: &str, at: &str) -> Result<String, Box<dyn Error>> {
    Ok(format!(
        r#"{{"eventId": "{}", "occurredAt": "{at}", "identity": "ada@shop.example", "order": {{"orderId": "{id}",
        "total": "{total}", "subtotal": "9.99", "currency": "EUR",
        "lineItems": [{{"sku": "MUG-1", "price": "9.99", "qty": 1}}]}}}}"#,
        uuid()?
    ))
}

fn main() -> Result<(), Box<dyn Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let (day, at) = (now / 86_400, rfc3339(now / 86_400, now % 86_400));
    let events = format!(r#"{{"events": [{}, {}]}}"#, order("rust-1", "9.99", &at)?, order("rust-2", "cheap", &at)?);
    println!("{}", call("CollectorService/Track", &env::var("SHOPALYTIC_KEY")?, &events)?);
    let (from, to) = (rfc3339(day, 0), rfc3339(day + 1, 0));
    let scope = format!(r#"{{"scope": {{"from": "{from}", "to": "{to}", "currency": "EUR"}}}}"#);
    println!("{}", call("ReportService/GetSalesReport", &env::var("SHOPALYTIC_REPORTS_KEY")?, &scope)?);
    Ok(())
}
