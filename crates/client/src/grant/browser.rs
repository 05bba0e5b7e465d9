//! The authorization code grant with PKCE through the person's browser (RFC 8252): a loopback listener takes the answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{Request, token};
use crate::{Http, Invitation, Secret, SignInError, SignedIn, Talk};

/// What the person wished.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// The name to fill in.
    pub login_hint: Option<String>,
    /// A fixed address for the answer; otherwise any free port.
    pub redirect_url: Option<String>,
    /// When the page may come up.
    pub opening: Opening,
}

/// When the page may come up. A program that is called again and again must not fill a browser with pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Opening {
    /// Now.
    #[default]
    AtOnce,
    /// When the person presses Enter.
    AfterKey,
    /// Not by itself: the address is told.
    Never,
}

/// How it ended, when not with a token.
pub enum Outcome {
    /// Somebody signed in.
    SignedIn(SignedIn),
    /// No browser can be opened here; another way is needed.
    NoBrowser,
}

/// Opens the browser and waits up to five minutes for the person.
pub async fn sign_in(http: &Http, request: &Request, wishes: &Wishes, talk: &dyn Talk) -> Result<Outcome, SignInError> {
    let endpoints = request.endpoints(http).await?;
    let (listener, redirect) = listen(wishes.redirect_url.as_deref()).await?;
    let verifier = Secret::new(random()?);
    let state = random()?;
    let scope = request.scope();
    let page = page(&endpoints.authorize, request, wishes, &redirect, &state, &verifier, &scope);

    let address = page.to_string();
    let to = Invitation { address: &address, code: None, good_for: PATIENCE.as_secs() };
    let lately = "A page for this sign-in was opened less than a minute ago.";
    let message = match wishes.opening {
        Opening::AtOnce => format!("Signing in with the browser. If it does not open, go to:\n{page}"),
        Opening::AfterKey => format!("{lately} Press Enter to open another one, or go to:\n{page}"),
        Opening::Never => format!("{lately} To sign in, go to:\n{page}"),
    };
    talk.invite(&message, &to);
    let failing = async {
        match wishes.opening {
            Opening::AtOnce => failed_to_open(address).await,
            Opening::AfterKey => {
                // A thread of its own: nobody can end a read of the keyboard, but the end of the process.
                std::thread::spawn(move || {
                    if std::io::stdin().read_line(&mut String::new()).is_ok_and(|length| length > 0) {
                        let _ = open::that_detached(address);
                    }
                });
                std::future::pending::<()>().await;
            }
            Opening::Never => std::future::pending().await,
        }
    };
    // The page may be used, and answer, while its launcher is still looked at.
    let code = tokio::select! {
        answered = tokio::time::timeout(PATIENCE, answer(&listener, &state)) => {
            answered.map_err(|_| SignInError::Browser("nobody finished it within five minutes".into()))??
        }
        () = failing => return Ok(Outcome::NoBrowser),
    };
    let form = [
        ("client_id", request.client_id.as_str()),
        ("client_info", "1"),
        ("code", code.expose()),
        ("code_verifier", verifier.expose()),
        ("grant_type", "authorization_code"),
        ("redirect_uri", &redirect),
        ("scope", &scope),
    ];
    token(http, request, &endpoints.token, &form).await.map(Outcome::SignedIn)
}

fn page(authorize: &Url, request: &Request, wishes: &Wishes, redirect: &str, state: &str, verifier: &Secret, scope: &str) -> Url {
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.expose().as_bytes()));
    let mut page = authorize.clone();
    let mut query = page.query_pairs_mut();
    query
        .append_pair("client_id", &request.client_id)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    if let Some(hint) = &wishes.login_hint {
        query.append_pair("login_hint", hint);
    }
    query
        .append_pair("prompt", "select_account")
        .append_pair("redirect_uri", redirect)
        .append_pair("response_mode", "form_post")
        .append_pair("response_type", "code")
        .append_pair("scope", scope)
        .append_pair("state", state);
    drop(query);
    page
}

/// Opens the page, and ends only if that did not work. Some launchers return when the browser is closed, and others take a moment to
/// find out that there is none.
async fn failed_to_open(address: String) {
    let opened = tokio::task::spawn_blocking(move || open::that_detached_with_timeout(address, LAUNCHER));
    if matches!(opened.await, Ok(Ok(()))) {
        std::future::pending::<()>().await;
    }
}

async fn listen(wanted: Option<&str>) -> Result<(TcpListener, String), SignInError> {
    let bind = |host: IpAddr, port: u16| async move {
        TcpListener::bind((host, port))
            .await
            .map_err(|source| SignInError::Machine { doing: "listening for the browser's answer", source })
    };
    let Some(wanted) = wanted else {
        let listener = bind(Ipv4Addr::LOCALHOST.into(), 0).await?;
        let port = listener
            .local_addr()
            .map_err(|source| SignInError::Machine { doing: "listening for the browser's answer", source })?
            .port();
        return Ok((listener, format!("http://localhost:{port}")));
    };
    let place = Url::parse(wanted).ok().filter(|url| url.scheme() == "http").and_then(|url| {
        let host = match url.host_str()? {
            "localhost" | "127.0.0.1" => Ipv4Addr::LOCALHOST.into(),
            "[::1]" => Ipv6Addr::LOCALHOST.into(),
            _ => return None,
        };
        Some((host, url.port_or_known_default()?))
    });
    let Some((host, port)) = place else {
        return Err(SignInError::Browser(
            "`--redirect-url` must be an http address of this machine, such as http://localhost:8080".into(),
        ));
    };
    Ok((bind(host, port).await?, wanted.to_owned()))
}

/// Serves the browser until it brings the code. Browsers open connections that they use later or never, so none of them waits for
/// another.
async fn answer(listener: &TcpListener, state: &str) -> Result<Secret, SignInError> {
    let state: Arc<str> = state.into();
    let mut visits = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if visits.len() < MOST => {
                let (browser, _) = accepted.map_err(|source| SignInError::Machine { doing: "waiting for the browser", source })?;
                visits.spawn(visit(browser, state.clone()));
            }
            Some(ended) = visits.join_next() => {
                if let Ok(Some(answered)) = ended {
                    return answered;
                }
            }
        }
    }
}

/// Serves one connection; `None` if it did not bring the answer.
async fn visit(mut browser: TcpStream, state: Arc<str>) -> Option<Result<Secret, SignInError>> {
    let fields = tokio::time::timeout(Duration::from_secs(10), fields(&mut browser)).await.ok()??;
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    // An answer to a question that was not ours: somebody else's page.
    if field("state")
        .is_none_or(|got| aws_lc_rs::constant_time::verify_slices_are_equal(got.as_bytes(), state.as_bytes()).is_err())
    {
        reply(&mut browser, "404 Not Found", "There is nothing here.").await;
        return None;
    }
    if let Some(code) = field("code") {
        reply(&mut browser, "200 OK", "You are signed in. You can close this page.").await;
        return Some(Ok(Secret::new(code.to_owned())));
    }
    reply(&mut browser, "200 OK", "The sign-in did not work. The terminal tells why.").await;
    let said = field("error_description").or(field("error")).unwrap_or("no code came back");
    Some(Err(SignInError::Browser(crate::printable(&crate::text::first_line(said, 300)).into_owned())))
}

/// The form of a request, from its body or its query.
async fn fields(browser: &mut TcpStream) -> Option<Vec<(String, String)>> {
    let mut seen = Vec::new();
    let mut part = [0; 4096];
    loop {
        let count = browser.read(&mut part).await.ok()?;
        seen.extend_from_slice(&part[..count]);
        match parse(&seen) {
            Parsed::Form(fields) => return Some(fields),
            Parsed::Other => return None,
            Parsed::Unfinished if count == 0 || seen.len() > 64 << 10 => return None,
            Parsed::Unfinished => {}
        }
    }
}

/// What came in so far.
#[derive(Debug, PartialEq, Eq)]
enum Parsed {
    /// More is to come.
    Unfinished,
    /// Names and values of a request that is there as a whole.
    Form(Vec<(String, String)>),
    /// Not a request that carries an answer.
    Other,
}

fn parse(seen: &[u8]) -> Parsed {
    let Some(end) = seen.windows(4).position(|part| part == b"\r\n\r\n") else { return Parsed::Unfinished };
    let head = String::from_utf8_lossy(&seen[..end]);
    let body = &seen[end + 4..];
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let form = |bytes: &[u8]| Parsed::Form(url::form_urlencoded::parse(bytes).into_owned().collect());
    match method {
        "GET" => form(path.split_once('?').map_or("", |(_, query)| query).as_bytes()),
        "POST" => {
            let length = lines.find_map(|line| {
                line.split_once(':')
                    .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                    .map(|(_, value)| value.trim())
            });
            match length.and_then(|length| length.parse::<usize>().ok()) {
                Some(length) if body.len() >= length => form(&body[..length]),
                Some(_) => Parsed::Unfinished,
                None => Parsed::Other,
            }
        }
        _ => Parsed::Other,
    }
}

async fn reply(browser: &mut TcpStream, status: &str, text: &str) {
    let page = format!("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>kubelogin</title><p>{text}</p></html>\n");
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nContent-Security-Policy: default-src 'none'\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
        page.len()
    );
    let _ = browser.write_all(head.as_bytes()).await;
    let _ = browser.write_all(page.as_bytes()).await;
    let _ = browser.shutdown().await;
}

/// 43 characters that nobody guesses.
fn random() -> Result<String, SignInError> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| SignInError::Browser("no randomness".into()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

const PATIENCE: Duration = Duration::from_mins(5);
/// How long a launcher is looked at.
const LAUNCHER: Duration = Duration::from_secs(3);
/// So many connections at a time.
const MOST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_read_when_it_is_complete() {
        let head = b"POST / HTTP/1.1\r\nHost: localhost\r\ncontent-length: 14\r\n\r\n";
        assert_eq!(parse(b"POST / HTTP/1.1\r\n"), Parsed::Unfinished);
        assert_eq!(parse(&[&head[..], b"code=a&st"].concat()), Parsed::Unfinished);
        let complete = parse(&[&head[..], b"code=a&state=b"].concat());
        assert_eq!(complete, Parsed::Form(vec![("code".to_owned(), "a".to_owned()), ("state".to_owned(), "b".to_owned())]));
        assert_eq!(parse(b"PUT / HTTP/1.1\r\n\r\n"), Parsed::Other);
    }

    #[test]
    fn the_verifier_has_43_characters() {
        assert_eq!(random().expect("random").len(), 43);
    }
}
