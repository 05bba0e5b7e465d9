//! `entrance serve`: the server that clusters depend on.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use entrance_server::{Clock, Config, Mode, Server, TrustedIssuer, setup};
use url::Url;

use super::Listen;
use crate::output;

#[derive(clap::Args)]
#[command(
    after_help = "As long as nobody administers the server, a one-time code is in DATA/bootstrap-code (only you can read it).\n\
    Use it on this machine: at the page /first, or with `entrance user add --first NAME --data DATA`.\n\
    Stop with Ctrl-C; clusters keep running."
)]
pub(crate) struct Args {
    /// Everything the server keeps. Made when missing; only its owner may read it.
    #[arg(long, value_name = "DIR", env = "ENTRANCE_DATA")]
    data: PathBuf,
    #[command(flatten)]
    listen: Listen,
    /// The origin that clients know, such as `https://login.example.com`; default `https://localhost:PORT`.
    #[arg(long, value_name = "URL")]
    public_url: Option<Url>,
    /// An issuer whose tokens applications may prove themselves with (federated credentials), and the file with its public
    /// keys: `https://issuer.example=/etc/entrance/issuer-keys.json`. May be repeated.
    #[arg(long, value_name = "ISSUER=JWKS_FILE", value_parser = trusted_issuer)]
    trust_issuer: Vec<TrustedIssuer>,
    /// Address of the listener for managed identities, on loopback; without it there is none.
    #[arg(long, value_name = "ADDR")]
    identity_listen: Option<std::net::SocketAddr>,
    /// A file with the SHA-1 of passwords that were found in breaches, one a line, sorted: what Have I Been Pwned gives out
    /// as "ordered by hash". None of them can be chosen, and whoever signs in with one has to choose another.
    #[arg(long, value_name = "FILE", env = "ENTRANCE_BREACHED_PASSWORDS")]
    breached_passwords: Option<PathBuf>,
    /// Nobody is kept signed in when the browser is closed
    #[arg(long)]
    no_keep_signed_in: bool,
    /// Name of the organisation, for a new data directory.
    #[arg(long, value_name = "NAME", default_value = "My organisation")]
    tenant_name: String,
    /// Verified domain of the organisation, for a new data directory.
    #[arg(long, value_name = "DOMAIN", default_value = "entrance.example")]
    tenant_domain: String,
    /// Log as JSON, one object a line.
    #[arg(long)]
    log_json: bool,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    output::init_logging("info", args.log_json);
    let mut config = Config::new(Mode::Serve, args.data);
    args.listen.apply(&mut config);
    config.public_url = args.public_url;
    config.trusted_issuers = args.trust_issuer;
    config.identity_listen = args.identity_listen;
    config.breached_passwords = args.breached_passwords;
    config.keep_signed_in = !args.no_keep_signed_in;
    super::runtime()?.block_on(async move {
        let server = Server::start(config, Clock::system()).await?;
        if let Some(file) = setup::first::prepare(server.app(), &args.tenant_name, &args.tenant_domain).await? {
            output::talk(&format!(
                "nobody administers this server yet: the code for {}/first, good on this machine and until the next start, is in `{}`",
                server.app().base(),
                file.display()
            ));
        }
        output::talk(&format!("serving {} (certificate authority: {})", server.app().base(), server.ca_file().display()));
        super::told_to_stop().await?;
        server.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

fn trusted_issuer(text: &str) -> Result<TrustedIssuer, String> {
    // The last `=`: an issuer may hold one, a sensible file name does not.
    let (issuer, jwks) = text.rsplit_once('=').ok_or("an issuer, `=`, and the file with its keys are needed")?;
    if !issuer.starts_with("https://") {
        return Err("an issuer begins with `https://`".to_owned());
    }
    Ok(TrustedIssuer { issuer: issuer.to_owned(), jwks: jwks.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_and_its_keys_are_read_off_one_word() {
        let trusted = trusted_issuer("https://ci.example/a=b=/etc/keys.json").expect("an issuer");
        assert_eq!((trusted.issuer.as_str(), trusted.jwks.to_str()), ("https://ci.example/a=b", Some("/etc/keys.json")));
        assert!(trusted_issuer("http://ci.example=/etc/keys.json").is_err());
        assert!(trusted_issuer("https://ci.example").is_err());
    }
}
