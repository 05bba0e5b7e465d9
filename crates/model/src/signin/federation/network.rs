//! Where keys of other issuers may be fetched: not inside, unless the administrator said so for that issuer.
//!
//! Addresses are judged after the name was resolved, and the connection goes to what was judged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far a fetch may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The public internet only.
    Public,
    /// Also private networks and this machine, because the administrator said that the issuer is there.
    Private,
}

/// The address may not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutOfReach {
    /// It is inside, and the administrator did not say that the issuer is.
    #[error("`{0}` is inside a private network; trust the issuer with `--private-network` if it is meant to be there")]
    Private(IpAddr),
    /// It is no host's address, or one where machines ask about themselves.
    #[error("`{0}` is no address of an issuer")]
    Never(IpAddr),
}

impl Reach {
    /// Whether this address may be asked.
    pub fn permits(self, address: IpAddr) -> Result<(), OutOfReach> {
        let address = address.to_canonical();
        match kind(address) {
            Kind::Public => Ok(()),
            Kind::Inside if self == Self::Private => Ok(()),
            Kind::Inside => Err(OutOfReach::Private(address)),
            Kind::Nowhere => Err(OutOfReach::Never(address)),
        }
    }
}

enum Kind {
    Public,
    Inside,
    Nowhere,
}

fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(v4) => kind_v4(v4),
        IpAddr::V6(v6) => kind_v6(v6),
    }
}

fn kind_v4(v4: Ipv4Addr) -> Kind {
    let [a, b, c, _] = v4.octets();
    match (a, b, c) {
        // Loopback, RFC 1918, and the shared range of carriers.
        (127 | 10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => Kind::Inside,
        // "This network", link-local with its metadata services, protocol assignments, examples, benchmarks, 6to4 relays,
        // multicast and what is reserved.
        (0 | 224..=255, ..)
        | (169, 254, _)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 18 | 19, _)
        | (198, 51, 100)
        | (203, 0, 113) => Kind::Nowhere,
        _ => Kind::Public,
    }
}

fn kind_v6(v6: Ipv6Addr) -> Kind {
    let segments = v6.segments();
    if v6.is_loopback() || segments[0] & 0xfe00 == 0xfc00 {
        return Kind::Inside;
    }
    // Only what is routed; not the tunnels that would carry an address of version 4 past this check.
    let is_routed = segments[0] & 0xe000 == 0x2000;
    let is_special = match segments[0] {
        0x2001 => segments[1] < 0x0200 || segments[1] == 0x0db8,
        0x2002 | 0x3fff => true,
        _ => false,
    };
    if is_routed && !is_special { Kind::Public } else { Kind::Nowhere }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(reach: Reach, address: &str) -> bool {
        reach.permits(address.parse().expect("an address")).is_ok()
    }

    #[test]
    fn r_24_private_loopback_and_link_local_addresses_are_out_of_reach() {
        for inside in ["127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "::1", "fd00::1"] {
            assert!(!judged(Reach::Public, inside), "{inside}");
            assert!(judged(Reach::Private, inside), "{inside}");
        }
        assert!(!judged(Reach::Public, "::ffff:10.0.0.1") && !judged(Reach::Public, "::ffff:127.0.0.1"));
        for outside in ["1.1.1.1", "140.82.112.3", "172.32.0.1", "100.128.0.1", "2606:4700::1111"] {
            assert!(judged(Reach::Public, outside), "{outside}");
        }
    }

    #[test]
    fn r_24_where_machines_ask_about_themselves_is_never_reached() {
        for never in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "::127.0.0.1",
        ] {
            assert!(!judged(Reach::Private, never), "{never}");
        }
    }
}
