//! A file of the hub, by its names.

use std::fmt;

/// What a repository of the hub holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Model,
    DataSet,
}

/// A file of a model or of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubFile {
    pub(super) kind: Kind,
    pub(super) repo: String,
    pub(super) revision: String,
    pub(super) path: String,
}

impl HubFile {
    /// The file `path` of the model `id`, such as `Qwen/Qwen3-8B`, as it is now.
    ///
    /// # Errors
    /// When `id` cannot be a model's.
    pub fn of_model(id: &str, path: &str) -> Result<Self, String> {
        if !is_repo(id) {
            return Err(format!(
                "`{id}` is no model of the Hugging Face hub: those are named owner/name"
            ));
        }
        Ok(Self {
            kind: Kind::Model,
            repo: id.to_owned(),
            revision: "main".to_owned(),
            path: path.to_owned(),
        })
    }

    /// A data set's file by its address: `hf://owner/name/path`, or `hf://owner/name@revision/path`.
    ///
    /// # Errors
    /// When `address` does not have this shape.
    pub fn of_data_set(address: &str) -> Result<Self, String> {
        let wrong = || format!("`{address}` is not hf://owner/name/path of a data set's file");
        let rest = address.strip_prefix("hf://").ok_or_else(wrong)?;
        let rest = rest.strip_prefix("datasets/").unwrap_or(rest);
        let mut parts = rest.splitn(3, '/');
        let (Some(owner), Some(name), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        let (name, revision) = name.split_once('@').unwrap_or((name, "main"));
        let repo = format!("{owner}/{name}");
        if !is_repo(&repo) || !is_name(revision) || !path.split('/').all(is_segment) {
            return Err(wrong());
        }
        Ok(Self {
            kind: Kind::DataSet,
            repo,
            revision: revision.to_owned(),
            path: path.to_owned(),
        })
    }

    /// The same file at another revision: a commit, a branch or a tag.
    #[must_use]
    pub fn at(mut self, revision: &str) -> Self {
        revision.clone_into(&mut self.revision);
        self
    }

    /// The repository: `owner/name`.
    #[must_use]
    pub fn repo(&self) -> &str {
        &self.repo
    }

    /// The folder of its repository in the hub's cache.
    pub(super) fn folder(&self) -> String {
        let kind = match self.kind {
            Kind::Model => "models",
            Kind::DataSet => "datasets",
        };
        format!("{kind}--{}", self.repo.replace('/', "--"))
    }
}

impl fmt::Display for HubFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.path, self.repo)
    }
}

/// Whether it can name a repository: `owner/name`, or the bare name of an old one.
fn is_repo(id: &str) -> bool {
    let mut parts = id.split('/');
    parts.clone().count() <= 2 && parts.all(is_name)
}

/// Whether it is a name that also is a folder of the cache, and no way out of it.
pub(super) fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && name.len() <= 128 && !name.starts_with('.') && name.chars().all(fits)
}

fn is_segment(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..") && !segment.contains(['\\', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let file = HubFile::of_data_set("hf://a/b.c/dir/x y.json").unwrap();
        assert_eq!(
            (file.repo.as_str(), file.path.as_str()),
            ("a/b.c", "dir/x y.json")
        );
        assert_eq!(file.folder(), "datasets--a--b.c");
        assert_eq!(file.revision, "main");
        let file = HubFile::of_data_set("hf://datasets/a/b@v1/x").unwrap();
        assert_eq!((file.revision.as_str(), file.path.as_str()), ("v1", "x"));
        assert_eq!(
            HubFile::of_model("gpt2", "t").unwrap().folder(),
            "models--gpt2"
        );
        assert_eq!(
            HubFile::of_model("a/b", "t").unwrap().to_string(),
            "t of a/b"
        );
    }

    #[test]
    fn nothing_leads_out_of_the_cache() {
        for address in [
            "hf://a/b",
            "hf://a/b/",
            "hf://a/../c",
            "hf://../b/c",
            "hf://a/b@../x",
            "hf://a/b/../x",
            "hf://a/b//x",
            "s3://a/b/c",
            "hf://a/b@/x",
        ] {
            assert!(HubFile::of_data_set(address).is_err(), "{address}");
        }
        for id in ["", "a/b/c", "/a", "a/", "../a", "a b/c", "a/b?x"] {
            assert!(HubFile::of_model(id, "t").is_err(), "{id}");
        }
    }
}
