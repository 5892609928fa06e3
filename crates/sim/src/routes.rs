//! Which request goes where.

use crate::http::head::Method;
use crate::request::Kind;

/// The server's answer to a method and a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Generate(Kind),
    Tokenize,
    Models,
    Health,
    Metrics,
    /// The path exists, for this method alone.
    OnlyAllows(&'static str),
    NotFound,
}

impl Route {
    pub(crate) fn of(method: Method, path: &str) -> Self {
        let target = match path {
            "/v1/completions" => Self::Generate(Kind::Completion),
            "/v1/chat/completions" => Self::Generate(Kind::Chat),
            "/v1/responses" => Self::Generate(Kind::Responses),
            "/v1/messages" => Self::Generate(Kind::Messages),
            "/v1/embeddings" => Self::Generate(Kind::Embeddings),
            "/tokenize" => Self::Tokenize,
            "/v1/models" => Self::Models,
            "/health" => Self::Health,
            "/metrics" => Self::Metrics,
            _ => return Self::NotFound,
        };
        match (target, method) {
            (Self::Generate(_) | Self::Tokenize, Method::Post) => target,
            (Self::Generate(_) | Self::Tokenize, _) => Self::OnlyAllows("POST"),
            (_, Method::Get | Method::Head) => target,
            _ => Self::OnlyAllows("GET, HEAD"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes() {
        use Method::{Get, Other, Post};
        for (method, path, route) in [
            (Post, "/v1/completions", Route::Generate(Kind::Completion)),
            (Post, "/v1/chat/completions", Route::Generate(Kind::Chat)),
            (Get, "/v1/models", Route::Models),
            (Get, "/v1/completions", Route::OnlyAllows("POST")),
            (Other, "/health", Route::OnlyAllows("GET, HEAD")),
            (Post, "/v1/messages", Route::Generate(Kind::Messages)),
            (Post, "/tokenize", Route::Tokenize),
            (Get, "/tokenize", Route::OnlyAllows("POST")),
            (Post, "/v1/audio", Route::NotFound),
            (Get, "/", Route::NotFound),
        ] {
            assert_eq!(Route::of(method, path), route, "{path}");
        }
    }
}
