//! How near two addresses are (W-110, S-800): a device code asked for elsewhere is the mark of a phisher.

use std::net::IpAddr;

/// How the network of a device request compares with that of the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nearness {
    /// The same address, or the same /24 or /56.
    Same,
    /// Another network.
    Different,
    /// Not known.
    Unknown,
}

impl Nearness {
    /// Its word in the page's `data-value`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Different => "different",
            Self::Unknown => "unknown",
        }
    }
}

/// Compares the address of a device request (as it was stored) with that of the browser.
pub fn nearness(asked_from: &str, browser: IpAddr) -> Nearness {
    match asked_from.parse::<IpAddr>() {
        Ok(address) if subnet(address) == subnet(browser) => Nearness::Same,
        Ok(_) => Nearness::Different,
        Err(_) => Nearness::Unknown,
    }
}

/// The /24 or /56 that an address belongs to, as a name. All loopback addresses are one network.
pub fn subnet(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) if v4.is_loopback() => "loopback".into(),
        IpAddr::V6(v6) if v6.is_loopback() => "loopback".into(),
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{:x}::/56", d & 0xff00)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn w_110_addresses_of_one_small_network_are_near() {
        assert_eq!(nearness("192.0.2.1", ip("192.0.2.200")), Nearness::Same);
        assert_eq!(nearness("192.0.2.1", ip("::ffff:192.0.2.9")), Nearness::Same);
        assert_eq!(nearness("2001:db8:1:2::1", ip("2001:db8:1:ff::9")), Nearness::Same);
        assert_eq!(nearness("127.0.0.1", ip("::1")), Nearness::Same);
        assert_eq!(nearness("192.0.3.1", ip("192.0.2.1")), Nearness::Different);
        assert_eq!(nearness("2001:db8:1:200::1", ip("2001:db8:1:100::1")), Nearness::Different);
        assert_eq!(nearness("", ip("192.0.2.1")), Nearness::Unknown);
    }
}
