//! Azure Arc: the agent answers whoever can read a file that it just wrote, because only its own group can.
//!
//! The answer names the file. Whoever plays the agent must not make us read anything else, so only a small `.key` file in the agent's own
//! folder is taken.

use std::path::{Path, PathBuf};

use entrance_wire::oauth_client::ManagedIdentityToken;
use reqwest::Url;

use crate::{Http, Secret, SignInError};

pub(super) async fn ask(http: &Http, url: &Url, folder: &Path) -> Result<ManagedIdentityToken, SignInError> {
    let Some(challenge) = http.challenge(url, &[("Metadata", "true")]).await? else {
        return Err(wrong("the agent asked for no proof"));
    };
    let proof = Secret::new(format!("Basic {}", read(&challenge, folder)?.expose()));
    http.get(url, &[("Metadata", "true"), ("Authorization", proof.expose())]).await
}

fn read(challenge: &str, folder: &Path) -> Result<Secret, SignInError> {
    let file = challenge.split_once("realm=").map(|(_, file)| file.trim().trim_matches('"'));
    let file = PathBuf::from(file.filter(|file| !file.is_empty()).ok_or_else(|| wrong("the agent named no file"))?);
    if file.parent() != Some(folder) || file.extension().is_none_or(|extension| extension != "key") {
        return Err(wrong(&format!("the agent named a file that is not its own: {}", shown(&file))));
    }
    let unreadable = |error: std::io::Error| {
        wrong(&format!("{} cannot be read: {error}\nhint: run as a member of the group `himds`", shown(&file)))
    };
    let facts = std::fs::symlink_metadata(&file).map_err(unreadable)?;
    if !facts.is_file() || facts.len() > LARGEST {
        return Err(wrong(&format!("{} is not the small file that the agent writes", shown(&file))));
    }
    Ok(Secret::new(std::fs::read_to_string(&file).map_err(unreadable)?))
}

fn shown(file: &Path) -> String {
    crate::printable(&file.display().to_string().chars().take(200).collect::<String>()).into_owned()
}

fn wrong(what: &str) -> SignInError {
    SignInError::Federation(format!("the managed identity of Azure Arc: {what}"))
}

const LARGEST: u64 = 4096;

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use super::*;

    fn told(challenge: &str, folder: &Path) -> String {
        read(challenge, folder).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn only_a_small_key_file_of_the_agents_own_folder_is_read() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("tokens");
        std::fs::create_dir(&folder).expect("a folder");
        let put = |name: &str, size: usize| {
            let file = folder.join(name);
            std::fs::write(&file, "x".repeat(size)).expect("written");
            format!("Basic realm={}", file.display())
        };
        assert_eq!(read(&put("a.key", 4096), &folder).expect("read").expose().len(), 4096);
        assert!(told(&put("b.key", 4097), &folder).contains("not the small file"));
        assert!(told(&put("b.txt", 1), &folder).contains("not its own"));
        assert!(told("Basic realm=/etc/shadow.key", &folder).contains("not its own"));
        assert!(told(&format!("Basic realm={}/../tokens/a.key", folder.display()), &folder).contains("not its own"));
        assert!(told(&format!("Basic realm={}/none.key", folder.display()), &folder).contains("cannot be read"));
        assert!(told("Basic", &folder).contains("named no file"));
        #[cfg(unix)]
        {
            std::fs::write(root.path().join("secret"), "secret").expect("written");
            std::os::unix::fs::symlink(root.path().join("secret"), folder.join("link.key")).expect("linked");
            assert!(told(&format!("Basic realm={}/link.key", folder.display()), &folder).contains("not the small file"));
        }
    }

    #[tokio::test]
    async fn the_proof_is_brought_with_the_second_question() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("one.key");
        std::fs::write(&file, "PROOF").expect("written");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/token?api-version=2020-06-01", listener.local_addr().expect("a port"));
        let asked = std::thread::spawn(move || {
            let mut asked = Vec::new();
            for answer in [
                format!(
                    "401 X\r\nWWW-Authenticate: Basic realm={}\r\nContent-Length: 0\r\nConnection: close\r\n",
                    file.display()
                ),
                "200 X\r\nConnection: close\r\n\r\n{\"access_token\":\"T\",\"expires_in\":\"60\"}".into(),
            ] {
                let (mut stream, _) = listener.accept().expect("somebody");
                let lines = BufReader::new(&mut stream).lines().map_while(Result::ok);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).map(|line| line.to_ascii_lowercase()).collect();
                let _ = write!(stream, "HTTP/1.1 {answer}\r\n");
                asked.push(head);
            }
            asked
        });
        let token = ask(&Http::plain("test"), &Url::parse(&url).expect("an address"), folder.path()).await.expect("a token");
        assert_eq!((token.access_token.as_str(), token.expires_in), ("T", Some(60)));
        let asked = asked.join().expect("ends");
        assert!(asked.iter().all(|head| head.contains(&"metadata: true".to_owned())), "{asked:?}");
        assert!(!asked[0].iter().any(|line| line.starts_with("authorization")));
        assert!(asked[1].contains(&"authorization: basic proof".to_owned()), "{asked:?}");
    }
}
