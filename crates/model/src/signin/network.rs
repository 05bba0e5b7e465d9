//! Where a request comes from, and how near two addresses are (W-110, S-800): a device code asked for elsewhere is the mark
//! of a phisher.

use std::net::{IpAddr, SocketAddr};

use super::policy::IpRange;

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

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FarEnd {
    /// The address that counts.
    pub address: IpAddr,
    /// It belongs to somebody in between, and who stands behind them is not known.
    pub is_relay: bool,
}

/// Finds out who sent a request that came from `peer`. `hops` is what `X-Forwarded-For` says, in the order in which it was
/// written: each proxy adds at the end whom it heard. Only what trusted proxies wrote is believed, so the last hop that is
/// none of them is the sender, and whatever stands before it is the sender's own story. `is_passed_on` tells whether the
/// request says in any other way that somebody passed it on.
pub fn far_end<'h>(
    peer: IpAddr,
    hops: impl DoubleEndedIterator<Item = &'h str>,
    is_passed_on: bool,
    trusted: &[IpRange],
) -> FarEnd {
    let is_trusted = |address: IpAddr| trusted.iter().any(|range| range.contains(address));
    let mut hops = hops.rev().map(str::trim).filter(|hop| !hop.is_empty()).peekable();
    if !is_trusted(peer) {
        return FarEnd { address: peer, is_relay: is_passed_on || hops.peek().is_some() };
    }
    let mut known = peer;
    // A trusted proxy that does not say for whom it speaks may speak for itself.
    let mut is_relay = is_passed_on && hops.peek().is_none();
    for hop in hops {
        let Some(address) = address_of(hop) else {
            is_relay = true;
            break;
        };
        known = address;
        if !is_trusted(address) {
            break;
        }
    }
    FarEnd { address: known, is_relay }
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`.
fn address_of(hop: &str) -> Option<IpAddr> {
    let address = match hop.strip_prefix('[') {
        Some(_) if hop.ends_with(']') => hop.trim_matches(['[', ']']).parse().ok(),
        _ => hop.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip())),
    };
    address.map(|address| address.to_canonical())
}

/// The network of the machine itself.
pub const LOOPBACK: &str = "loopback";

/// The /24 or /56 that an address belongs to, as a name. All loopback addresses are one network: [`LOOPBACK`].
pub fn subnet(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) if v4.is_loopback() => LOOPBACK.into(),
        IpAddr::V6(v6) if v6.is_loopback() => LOOPBACK.into(),
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

    /// The sender, or `?` behind an address whose owner speaks for others.
    fn sender(peer: &str, hops: &str, is_passed_on: bool, trusted: &[&str]) -> String {
        let trusted: Vec<IpRange> = trusted.iter().map(|range| range.parse().expect("a range")).collect();
        let FarEnd { address, is_relay } = far_end(ip(peer), hops.split(','), is_passed_on, &trusted);
        format!("{address}{}", if is_relay { "?" } else { "" })
    }

    #[test]
    fn w_110_nobody_is_believed_who_was_not_named_as_a_proxy() {
        assert_eq!(sender("192.0.2.1", "", false, &[]), "192.0.2.1");
        assert_eq!(sender("192.0.2.1", "198.51.100.7", false, &[]), "192.0.2.1?");
        assert_eq!(sender("192.0.2.1", "", true, &[]), "192.0.2.1?");
        assert_eq!(sender("192.0.2.1", "198.51.100.7", false, &["10.0.0.0/8"]), "192.0.2.1?", "not this one");
    }

    #[test]
    fn w_110_the_last_hop_that_is_no_trusted_proxy_is_the_sender() {
        let proxies = ["10.0.0.0/8", "2001:db8:ff::/48"];
        assert_eq!(sender("10.0.0.1", "198.51.100.7", true, &proxies), "198.51.100.7");
        assert_eq!(sender("::ffff:10.0.0.1", "198.51.100.7", true, &proxies), "198.51.100.7");
        assert_eq!(sender("10.0.0.1", "198.51.100.7, 10.0.0.9", true, &proxies), "198.51.100.7");
        assert_eq!(
            sender("10.0.0.1", "203.0.113.9, 198.51.100.7", true, &proxies),
            "198.51.100.7",
            "a story of the sender's own"
        );
        assert_eq!(sender("10.0.0.1", "10.0.0.2, 198.51.100.7", true, &proxies), "198.51.100.7", "nor one about our proxies");
        assert_eq!(sender("10.0.0.1", "127.0.0.1 ,198.51.100.7:4711,", true, &proxies), "198.51.100.7");
        assert_eq!(sender("2001:db8:ff::1", "[2001:db8:1::7]:80", false, &proxies), "2001:db8:1::7");
        assert_eq!(sender("2001:db8:ff::1", "[2001:db8:1::7]", false, &proxies), "2001:db8:1::7");
        // The proxy itself, as a probe of its health does it.
        assert_eq!(sender("10.0.0.1", "", false, &proxies), "10.0.0.1");
        assert_eq!(sender("10.0.0.1", "", true, &proxies), "10.0.0.1?", "it says that it speaks for somebody, and not for whom");
        assert_eq!(sender("10.0.0.1", "10.0.0.2, 10.0.0.9", true, &proxies), "10.0.0.2");
        // What cannot be read ends the way back.
        assert_eq!(sender("10.0.0.1", "198.51.100.7, unknown", true, &proxies), "10.0.0.1?");
        assert_eq!(sender("10.0.0.1", "198.51.100.7, _hidden, 10.0.0.9", true, &proxies), "10.0.0.9?");
    }
}
