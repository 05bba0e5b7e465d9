//! A browser without script: it keeps cookies, follows redirects on our own origin, and submits forms.

use std::collections::BTreeMap;

use crate::Entrance;

/// A browser.
pub struct Browser<'w> {
    world: &'w Entrance,
    cookies: BTreeMap<String, String>,
    /// Headers it sends beside its own.
    pub headers: Vec<(&'static str, String)>,
}

/// What a browser shows.
pub struct Page {
    /// The status of the last answer.
    pub status: u16,
    /// The path and query it came from.
    pub path: String,
    /// Its headers.
    pub headers: reqwest::header::HeaderMap,
    /// Where the browser was sent outside of our origin.
    pub left_to: Option<String>,
    /// The page itself.
    pub html: String,
}

impl Entrance {
    /// A new browser.
    pub fn browser(&self) -> Browser<'_> {
        Browser { world: self, cookies: BTreeMap::new(), headers: Vec::new() }
    }
}

impl Browser<'_> {
    /// Opens a path.
    pub async fn get(&mut self, path: &str) -> Page {
        self.follow(reqwest::Method::GET, path.to_owned(), None).await
    }

    /// Posts fields to a path.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.follow(reqwest::Method::POST, path.to_owned(), Some(fields)).await
    }

    /// Submits the form of a page, with these fields filled in.
    pub async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let mut all = page.hidden();
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.follow(reqwest::Method::POST, page.action(), Some(all)).await
    }

    /// Submits the form of a page that goes to this address, or has a button with this value, with these fields filled in.
    pub async fn submit_to(&mut self, page: &Page, mark: &str, fields: &[(&str, &str)]) -> Page {
        let form = page.form(mark);
        let mut all = form.hidden();
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.follow(reqwest::Method::POST, form.action(), Some(all)).await
    }

    /// Signs in on a page that asks for it.
    pub async fn sign_in(&mut self, page: &Page, name: &str, password: &str) -> Page {
        self.submit(page, &[("login", name), ("passwd", password)]).await
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Forgets a cookie.
    pub fn forget(&mut self, name: &str) {
        self.cookies.remove(name);
    }

    async fn follow(&mut self, mut method: reqwest::Method, mut path: String, mut fields: Option<Vec<(String, String)>>) -> Page {
        for _ in 0..10 {
            let mut request = self.world.client.request(method.clone(), self.world.url(&path));
            if !self.cookies.is_empty() {
                let line: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
                request = request.header("cookie", line.join("; "));
            }
            for (name, value) in &self.headers {
                request = request.header(*name, value);
            }
            if let Some(fields) = &fields {
                request = request.form(fields);
            }
            let answer = request.send().await.expect("the server answers");
            self.keep_cookies(answer.headers());
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let location = headers.get("location").map(|value| value.to_str().expect("ASCII").to_owned());
            let html = answer.text().await.expect("text");
            let Some(location) = location else { return Page { status, path, headers, left_to: None, html } };
            let own = location.strip_prefix(self.world.app().base()).unwrap_or(&location);
            if !own.starts_with('/') {
                return Page { status, path, headers, left_to: Some(location), html };
            }
            path = own.to_owned();
            method = reqwest::Method::GET;
            fields = None;
        }
        panic!("the server redirects without end, last to {path}");
    }

    fn keep_cookies(&mut self, headers: &reqwest::header::HeaderMap) {
        for line in headers.get_all("set-cookie") {
            let line = line.to_str().expect("ASCII");
            let (pair, attributes) = line.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a pair");
            // A preference is a word of a short list, for scripts to read (W-030).
            let is_preference = ["entrance-lang", "entrance-theme"].contains(&name);
            assert!(attributes.contains("Secure") && attributes.contains("SameSite=Lax"), "{line}");
            assert_eq!(attributes.contains("HttpOnly"), !is_preference, "{line}");
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Page {
    /// The hidden fields of the page's form.
    ///
    /// # Panics
    ///
    /// When the page has no such thing.
    pub fn hidden(&self) -> Vec<(String, String)> {
        let form = self.html.split("<form ").nth(1).unwrap_or_default();
        let form = &form[..form.find("</form>").unwrap_or(form.len())];
        let tags = form.split("<input type=\"hidden\"").skip(1);
        tags.map(|tag| {
            let tag = &tag[..tag.find('>').expect("a tag ends")];
            (attribute(tag, "name"), attribute(tag, "value"))
        })
        .collect()
    }

    /// The form that goes to this address, or has this text in it, as a page of its own.
    ///
    /// # Panics
    ///
    /// When the page has no such thing.
    #[must_use]
    pub fn form(&self, mark: &str) -> Self {
        let forms = self.html.split("<form ").skip(1).map(|form| &form[..form.find("</form>").unwrap_or(form.len())]);
        let mut fitting = forms.filter(|form| form.contains(mark));
        let form = fitting.next().unwrap_or_else(|| panic!("no form with `{mark}` is on {}", self.html));
        let html = format!("<form {form}</form>");
        Self { status: self.status, path: self.path.clone(), headers: self.headers.clone(), left_to: None, html }
    }

    /// An attribute of an element.
    ///
    /// # Panics
    ///
    /// When the page has no such thing.
    pub fn attribute(&self, mark: &str, name: &str) -> String {
        let at = self.html.find(mark).unwrap_or_else(|| panic!("`{mark}` is not on {}", self.html));
        let start = self.html[..at].rfind('<').expect("a tag begins");
        let tag = &self.html[start..];
        attribute(&tag[..tag.find('>').expect("a tag ends")], name)
    }

    /// The value of a hidden field.
    pub fn field(&self, name: &str) -> Option<String> {
        self.hidden().into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Where the page's form goes.
    ///
    /// # Panics
    ///
    /// When the page has no such thing.
    pub fn action(&self) -> String {
        let form = self.html.split("<form ").nth(1).expect("the page has a form");
        attribute(&form[..form.find('>').expect("a tag ends")], "action")
    }

    /// Whether the page shows an element.
    pub fn has(&self, testid: &str) -> bool {
        self.html.contains(&format!("data-testid=\"{testid}\""))
    }

    /// The text of an element, without mark-up.
    ///
    /// # Panics
    ///
    /// When the page has no such thing.
    pub fn text(&self, testid: &str) -> String {
        let at =
            self.html.find(&format!("data-testid=\"{testid}\"")).unwrap_or_else(|| panic!("`{testid}` is not on {}", self.html));
        let start = self.html[..at].rfind('<').expect("a tag begins");
        let name: String = self.html[start + 1..].chars().take_while(char::is_ascii_alphanumeric).collect();
        let rest = &self.html[at..];
        let rest = &rest[rest.find('>').expect("a tag ends") + 1..];
        let inner = &rest[..rest.find(&format!("</{name}>")).expect("the element ends")];
        let mut text = String::new();
        let mut in_tag = false;
        for c in inner.chars() {
            match c {
                '<' => in_tag = true,
                '>' => in_tag = false,
                c if !in_tag => text.push(c),
                _ => {}
            }
        }
        unescape(&text)
    }
}

fn attribute(tag: &str, name: &str) -> String {
    let at = tag.find(&format!("{name}=\"")).unwrap_or_else(|| panic!("`{name}` is not in {tag}")) + name.len() + 2;
    unescape(&tag[at..at + tag[at..].find('"').expect("an attribute ends")])
}

fn unescape(text: &str) -> String {
    text.replace("&#38;", "&")
        .replace("&#39;", "'")
        .replace("&#34;", "\"")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&amp;", "&")
}
