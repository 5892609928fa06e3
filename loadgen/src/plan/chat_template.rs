//! The template that puts the messages of a chat into the one text that a model reads.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, Value, context};
use serde_json::Value as Json;

use super::prompt::Message;
use crate::clock::wall_ns;

/// A model's chat template, rendered as `transformers` and the servers render it.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    /// `bos_token` and its like, by name.
    special: BTreeMap<String, Value>,
}

impl ChatTemplate {
    /// The template of a `tokenizer_config.json` or of a `chat_template.jinja`, which wins; `None` where neither has one.
    ///
    /// # Errors
    /// When a file is not what its name says, or the template does not parse.
    pub fn of(config: Option<&[u8]>, jinja: Option<&[u8]>) -> Result<Option<Self>, String> {
        let config: Json = match config {
            Some(bytes) => serde_json::from_slice(bytes)
                .map_err(|error| format!("tokenizer_config.json is not JSON: {error}"))?,
            None => Json::Null,
        };
        let source = match jinja {
            Some(bytes) => {
                let text = String::from_utf8(bytes.to_vec());
                Some(text.map_err(|_| "chat_template.jinja is not UTF-8 text".to_owned())?)
            }
            None => named(&config["chat_template"]),
        };
        let Some(source) = source else {
            return Ok(None);
        };
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .map_err(|error| error.to_string())?;
        environment.set_syntax(syntax);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |text: String| {
            Err::<Value, _>(Error::new(ErrorKind::InvalidOperation, text))
        });
        environment.add_function("strftime_now", |format: String| now(&format));
        environment
            .add_template_owned("chat", without_generation(source))
            .map_err(|error| error.to_string())?;
        let special = config.as_object().into_iter().flatten();
        let special = special.filter_map(|(name, value)| {
            let text = value.as_str().or_else(|| value["content"].as_str())?;
            name.ends_with("_token")
                .then(|| (name.clone(), text.into()))
        });
        Ok(Some(Self {
            special: special.collect(),
            environment,
        }))
    }

    /// The text of a chat up to where the answer begins.
    ///
    /// # Errors
    /// In the words of the template or of its language, when it cannot be rendered with these messages.
    pub fn render(&self, messages: &[Message]) -> Result<String, String> {
        let said: Vec<Value> = messages
            .iter()
            .map(|message| context! { role => message.role.as_str(), content => message.content.as_str() })
            .collect();
        let special = Value::from(self.special.clone());
        let all = context! {
            messages => said, add_generation_prompt => true, tools => Value::from(()), documents => Value::from(()),
            ..special
        };
        let template = self.environment.get_template("chat");
        template
            .and_then(|template| template.render(all))
            .map_err(|error| error.to_string())
    }
}

/// The template itself, or the default one of several.
fn named(given: &Json) -> Option<String> {
    let several = given.as_array().map(|list| {
        let default = list.iter().find(|one| one["name"] == "default");
        default.or(list.first()).map(|one| &one["template"])
    });
    let text = several.map_or(Some(given), |found| found)?.as_str()?;
    Some(text.to_owned())
}

/// Without the marks of what the model has generated, an extension that changes nothing of the text.
fn without_generation(mut source: String) -> String {
    for (begin, end) in [("{%", "%}"), ("{%-", "%}"), ("{%", "-%}"), ("{%-", "-%}")] {
        for (mark, plain) in [("generation", "if true"), ("endgeneration", "endif")] {
            let marked = format!("{begin} {mark} {end}");
            source = source.replace(&marked, &format!("{begin} {plain} {end}"));
        }
    }
    source
}

/// Today, for the templates that tell it to the model.
fn now(format: &str) -> Result<String, Error> {
    let wrong = |error: jiff::Error| Error::new(ErrorKind::InvalidOperation, error.to_string());
    let now = jiff::Timestamp::from_nanosecond(wall_ns().into()).map_err(wrong)?;
    let zoned = now.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    jiff::fmt::strtime::format(format, &zoned).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::prompt::Role;

    fn say(role: Role, content: &str) -> Message {
        Message {
            role,
            content: content.to_owned(),
        }
    }

    fn rendered(
        config: &Json,
        jinja: Option<&str>,
        messages: &[Message],
    ) -> Result<String, String> {
        let config = config.to_string();
        ChatTemplate::of(Some(config.as_bytes()), jinja.map(str::as_bytes))?
            .ok_or("no template")?
            .render(messages)
    }

    #[test]
    fn blocks_take_their_lines_with_them_and_special_tokens_have_names() {
        let template = "{{ bos_token }}{% for m in messages %}\n  {% if m['role'] == 'user' %}\n<{{ m.content.strip() }}>\n  {% endif %}\n{% endfor %}\n{% if add_generation_prompt %}go{% endif %}\n";
        let config =
            serde_json::json!({"bos_token": {"content": "<s>"}, "chat_template": template});
        let text = rendered(&config, None, &[say(Role::User, " a ")]).unwrap();
        assert_eq!(text, "<s><a>\ngo");
    }

    #[test]
    fn the_default_of_several_is_taken_and_a_file_of_its_own_wins() {
        let several = serde_json::json!({"chat_template": [
            {"name": "tools", "template": "T"}, {"name": "default", "template": "D{{ tools is none }}"}
        ]});
        assert_eq!(rendered(&several, None, &[]).unwrap(), "DTrue");
        assert_eq!(rendered(&several, Some("J"), &[]).unwrap(), "J");
        let one = serde_json::json!({"chat_template": [{"name": "x", "template": "X"}]});
        assert_eq!(rendered(&one, None, &[]).unwrap(), "X");
        assert!(ChatTemplate::of(Some(b"{}"), None).unwrap().is_none());
        assert!(ChatTemplate::of(None, None).unwrap().is_none());
    }

    #[test]
    fn what_a_template_refuses_and_what_cannot_be_read_is_an_error() {
        let refusing = serde_json::json!({"chat_template": "{{ raise_exception('no system') }}"});
        let error = rendered(&refusing, None, &[say(Role::System, "s")]).unwrap_err();
        assert!(error.contains("no system"), "{error}");
        let broken = serde_json::json!({"chat_template": "{% if %}"});
        assert!(rendered(&broken, None, &[]).is_err());
        assert!(ChatTemplate::of(Some(b"<html>"), None).is_err());
    }

    #[test]
    fn idioms_of_real_templates_are_rendered() {
        let template = "{%- set ns = namespace(last=messages|length - 1) %}\
            {%- for message in messages[::-1] %}{%- set ns.last = loop.index0 %}{%- endfor %}\
            {%- for message in messages %}{% generation %}{{- '<' + message.role + '>' + message.content.split('</think>')[-1].lstrip('\n') }}\
            {%- if message.tool_calls %}{{ message.tool_calls | tojson }}{% endif %}{% endgeneration %}{%- endfor %}\
            {%- if date is not defined %}{{ strftime_now('%Y') | length }}{% endif %}{{ ns.last }}";
        let config = serde_json::json!({"chat_template": template});
        let messages = [say(Role::User, "a"), say(Role::Assistant, "x</think>\nb")];
        assert_eq!(
            rendered(&config, None, &messages).unwrap(),
            "<user>a<assistant>b41"
        );
    }
}
