//! A line for a shell, as the request that `curl` makes of it.

use std::net::SocketAddr;

use http::{Method, Request, header};

/// A request.
#[derive(Clone, Debug)]
pub struct Curl {
    /// Its method.
    pub method: Method,
    /// Whom it goes to.
    pub address: SocketAddr,
    /// What is asked for.
    pub path: String,
    body: Option<String>,
}

impl Curl {
    /// `curl http://ADDRESS/PATH`.
    pub fn get(address: SocketAddr, path: &str) -> Self {
        Self {
            method: Method::GET,
            address,
            path: path.to_owned(),
            body: None,
        }
    }

    /// `curl http://ADDRESS/PATH -d BODY`.
    pub fn post(address: SocketAddr, path: &str, body: &str) -> Self {
        Self {
            method: Method::POST,
            body: Some(body.to_owned()),
            ..Self::get(address, path)
        }
    }

    /// Reads a line. Of the options of `curl`, knows `-X` and `-d`.
    ///
    /// # Panics
    /// If it cannot be read.
    #[track_caller]
    pub fn parse(line: &str) -> Self {
        let mut words = words(line).into_iter();
        assert_eq!(words.next().as_deref(), Some("curl"), "{line}");
        let (mut method, mut url, mut body) = (None, None, None);
        while let Some(word) = words.next() {
            match word.as_str() {
                "-X" => method = words.next(),
                "-d" => body = words.next(),
                _ if word.starts_with('-') => panic!("an option that is not known: {line}"),
                _ => url = Some(word),
            }
        }
        let url = url.unwrap_or_else(|| panic!("no address: {line}"));
        let target = url.strip_prefix("http://").and_then(|url| {
            let (address, path) = url.split_once('/')?;
            Some((address.parse().ok()?, format!("/{path}")))
        });
        let (address, path) = target.unwrap_or_else(|| panic!("no HTTP address: {line}"));
        let usual = if body.is_some() { "POST" } else { "GET" };
        let method = method.as_deref().unwrap_or(usual).parse();
        Self {
            method: method.unwrap_or_else(|_| panic!("no method: {line}")),
            address,
            path,
            body,
        }
    }

    /// What is sent.
    ///
    /// # Panics
    /// If the path is none.
    pub fn request(&self) -> Request<String> {
        let mut request = Request::new(self.body.clone().unwrap_or_default());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.parse().expect("it was in an address");
        if self.body.is_some() {
            let form = header::HeaderValue::from_static("application/x-www-form-urlencoded");
            request.headers_mut().insert(header::CONTENT_TYPE, form);
        }
        request
    }
}

/// The words of a line as a shell sees them; of quotes, single ones.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.trim().chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().expect("there is one").push(c),
        }
    }
    words
}
