//! Rate limits of an isolate, per minute and cause, for work that any client can cause.

use crate::domain::headers::Headers;
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    net::IpAddr,
};

/// Uses within the current minute, by cause: a client's address or a user.
#[derive(Debug)]
pub struct RateLimiter {
    max_per_minute: u32,
    minute: Cell<u64>,
    used: RefCell<HashMap<String, u32>>,
}

impl RateLimiter {
    /// Allows each cause this many uses a minute.
    #[must_use]
    pub fn new(most: u32) -> Self {
        Self { max_per_minute: most, minute: Cell::default(), used: RefCell::default() }
    }

    /// Returns whether this cause has a use left, and counts it. Causes beyond `MAX_CAUSES` share one limit.
    pub fn try_acquire(&self, cause: &str, now_ms: u64) -> bool {
        let mut used = self.used.borrow_mut();
        let minute = now_ms / 60_000;
        if self.minute.replace(minute) != minute {
            used.clear();
        }
        let cause = if used.len() < MAX_CAUSES || used.contains_key(cause) { cause } else { "" };
        let count = used.entry(cause.to_owned()).or_default();
        let may = *count < self.max_per_minute;
        *count += u32::from(may);
        may
    }
}

/// Returns the network of a client's address: an IPv4 address, or the IPv6 /64 of one subscriber.
///
/// Cloudflare sets the header itself
/// (<https://developers.cloudflare.com/fundamentals/reference/http-headers/#cf-connecting-ip>); without it, all clients
/// are one network.
#[must_use]
pub fn network(headers: &Headers) -> String {
    match headers.value("cf-connecting-ip").and_then(|address| address.parse().ok()) {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
        None => String::new(),
    }
}

/// About 500 KiB.
const MAX_CAUSES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_each_cause_per_minute() {
        let allowance = RateLimiter::new(2);
        assert_eq!([0, 1, 2].map(|_| allowance.try_acquire("a", 60_000)), [true, true, false]);
        assert!(allowance.try_acquire("b", 119_999));
        assert!(!allowance.try_acquire("a", 119_999));
        assert!(allowance.try_acquire("a", 120_000));
    }

    #[test]
    fn number_of_tracked_causes_is_bounded() {
        let allowance = RateLimiter::new(1);
        let allowed = (0..10_000).filter(|number| allowance.try_acquire(&format!("{number}"), 0)).count();
        assert_eq!((allowed, allowance.used.borrow().len()), (MAX_CAUSES + 1, MAX_CAUSES + 1));
    }

    #[test]
    fn ipv6_clients_are_grouped_by_network() {
        let of = |address: &str| network(&Headers::new(vec![("cf-connecting-ip".to_owned(), address.to_owned())]));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:0db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("no address"), network(&Headers::default()));
    }
}
