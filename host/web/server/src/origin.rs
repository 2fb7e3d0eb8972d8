//! Where a request comes from, as far as a browser tells: a page of somebody else must not change
//! anything, nor read it by way of a name that it made lead here (DNS rebinding).

use std::net::SocketAddr;

/// Whether a Host header names us: by the address that the request came in at, as localhost, or
/// by one of the names, which may have any port.
pub fn host_fits(host: &str, local: SocketAddr, names: &[String]) -> bool {
    let host = host.to_ascii_lowercase();
    let port = local.port();
    let with_port = |name: &str| match port {
        80 => host == name || host == format!("{name}:80"),
        _ => host == format!("{name}:{port}"),
    };
    let address = match local.ip().to_canonical() {
        std::net::IpAddr::V4(address) => address.to_string(),
        std::net::IpAddr::V6(address) => format!("[{address}]"),
    };
    let name = host.rsplit_once(':').map_or(&host[..], |(name, _)| name);
    with_port(&address) || with_port("localhost") || names.iter().any(|each| each == name)
}

/// Whether an Origin is the page that this host serves.
pub fn origin_fits(origin: &str, host: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_the_address_or_a_name_that_was_given() {
        let names = ["router.example".to_string()];
        let local = "127.0.0.1:8380".parse().unwrap();
        for good in [
            "127.0.0.1:8380",
            "localhost:8380",
            "LocalHost:8380",
            "router.example",
            "router.example:443",
            "Router.Example:8380",
        ] {
            assert!(host_fits(good, local, &names), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.2:8380",
            "localhost",
            "evil.example",
            "evil.example:8380",
            "router.example.evil.example",
            "router.example:8380:1",
            "x@router.example",
            "[::1]:8380",
        ] {
            assert!(!host_fits(bad, local, &names), "{bad}");
        }
        assert!(host_fits("[::1]:8380", "[::1]:8380".parse().unwrap(), &names));
        assert!(host_fits("[fe80::1]:8380", "[fe80::1%2]:8380".parse().unwrap(), &names));
        assert!(host_fits("192.0.2.1", "[::ffff:192.0.2.1]:80".parse().unwrap(), &names));
        assert!(host_fits("localhost", "127.0.0.1:80".parse().unwrap(), &names));
    }

    #[test]
    fn an_origin_is_the_same_host() {
        assert!(origin_fits("http://127.0.0.1:8380", "127.0.0.1:8380"));
        assert!(origin_fits("https://Router.example", "router.example"));
        for bad in [
            "",
            "null",
            "http://",
            "127.0.0.1:8380",
            "http://127.0.0.1:8381",
            "http://127.0.0.1:8380/",
            "http://127.0.0.1:8380.evil.example",
            "http://evil.example",
            "file://127.0.0.1:8380",
            "http://x@127.0.0.1:8380",
        ] {
            assert!(!origin_fits(bad, "127.0.0.1:8380"), "{bad}");
        }
    }
}
