//! Query options of a read (G-100, G-101).

use url::form_urlencoded;

use super::filter::{BadFilter, Filter};

/// The options that came with a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// `$top`: how many on a page.
    pub top: Option<u32>,
    /// `$select`: which properties, as they were written.
    pub select: Option<Vec<String>>,
    /// `$filter`.
    pub filter: Option<Filter>,
    /// `$count=true`.
    pub count: bool,
    /// `$skiptoken`: where the page begins.
    pub skip_token: Option<String>,
    /// All options but the page token, in a form that a page token can be bound to and that the next link repeats.
    pub bound: String,
}

/// Why the options were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadOption {
    /// `$top` is out of range.
    #[error("Invalid page size specified: '{0}'. Must be between 1 and {MAX_TOP} inclusive.")]
    PageSize(String),
    /// An option that is known but not served.
    #[error("The query option '{0}' is not supported by this service.")]
    Unsupported(String),
    /// An option that nobody knows.
    #[error("The query parameter '{0}' is not supported.")]
    Unknown(String),
    /// An option that came twice.
    #[error("Query option '{0}' was specified more than once, but it must be specified at most once.")]
    Twice(String),
    /// An option with a value that does not fit.
    #[error("Invalid value '{value}' for the query option '{option}'.")]
    Value {
        /// The option.
        option: &'static str,
        /// What came.
        value: String,
    },
    /// The filter is no good.
    #[error(transparent)]
    Filter(#[from] BadFilter),
}

/// The largest page.
pub const MAX_TOP: u32 = 999;
/// The usual page.
pub const DEFAULT_TOP: u32 = 100;

impl Options {
    /// Reads a query string. Names may lack the dollar sign and come in any case.
    pub fn read(query: &str) -> Result<Self, BadOption> {
        let mut options = Self::default();
        let mut seen: Vec<String> = Vec::new();
        let mut bound = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let known = name.to_ascii_lowercase();
            let known = known.strip_prefix('$').unwrap_or(&known);
            if !OPTIONS.contains(&known) {
                if name.starts_with('$') {
                    return Err(BadOption::Unknown(name.into_owned()));
                }
                // Other parameters (`api-version`, tracking) are not ours and harmless.
                continue;
            }
            if seen.iter().any(|one| one == known) {
                return Err(BadOption::Twice(name.into_owned()));
            }
            seen.push(known.to_owned());
            options.set(known, &value)?;
            if known != "skiptoken" {
                bound.append_pair(&format!("${known}"), &value);
            }
        }
        options.bound = bound.finish();
        Ok(options)
    }

    fn set(&mut self, option: &str, value: &str) -> Result<(), BadOption> {
        match option {
            "top" => {
                let top = value.parse().ok().filter(|top| (1..=MAX_TOP).contains(top));
                self.top = Some(top.ok_or_else(|| BadOption::PageSize(value.to_owned()))?);
            }
            "select" => {
                let names = value.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "*");
                let names: Vec<String> = names.map(str::to_owned).collect();
                self.select = (!names.is_empty()).then_some(names);
            }
            "filter" => self.filter = Some(value.parse()?),
            "count" => {
                self.count = match value.to_ascii_lowercase().as_str() {
                    "true" => true,
                    "false" => false,
                    _ => {
                        return Err(BadOption::Value { option: "$count", value: value.to_owned() });
                    }
                };
            }
            "skiptoken" => self.skip_token = Some(value.to_owned()),
            "format" => {}
            other => return Err(BadOption::Unsupported(format!("${other}"))),
        }
        Ok(())
    }

    /// How many on a page.
    pub fn page_size(&self) -> u32 {
        self.top.unwrap_or(DEFAULT_TOP)
    }
}

const OPTIONS: [&str; 12] =
    ["top", "select", "filter", "count", "skiptoken", "skip", "expand", "search", "orderby", "apply", "format", "deltatoken"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g_100_a_page_holds_between_one_and_999() {
        for wrong in ["0", "1000", "-1", "many"] {
            let error = Options::read(&format!("$top={wrong}")).expect_err(wrong).to_string();
            assert_eq!(error, format!("Invalid page size specified: '{wrong}'. Must be between 1 and 999 inclusive."));
        }
        assert_eq!(Options::read("%24top=999").map(|options| options.page_size()), Ok(999));
        assert_eq!(Options::read("").map(|options| options.page_size()), Ok(100));
    }

    #[test]
    fn g_100_skip_is_not_supported() {
        assert_eq!(Options::read("$skip=5"), Err(BadOption::Unsupported("$skip".into())));
        assert_eq!(Options::read("$nonsense=5"), Err(BadOption::Unknown("$nonsense".into())));
    }

    #[test]
    fn g_108_an_encoded_filter_is_read_and_kept_for_the_next_link() {
        let options = Options::read("$filter=startswith%28displayName%2C%27a%20b%27%29&$skiptoken=x").expect("reads");
        assert_eq!(options.filter.expect("a filter").to_string(), "startswith(displayName,'a b')");
        assert_eq!(options.bound, "%24filter=startswith%28displayName%2C%27a+b%27%29");
        assert_eq!(options.skip_token.as_deref(), Some("x"));
    }

    #[test]
    fn an_option_given_twice_is_refused() {
        assert_eq!(Options::read("$top=1&top=2"), Err(BadOption::Twice("top".into())));
    }
}
