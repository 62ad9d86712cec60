//! Secrets in XML: by the names of elements and attributes, by pairs of a name and a value such as property
//! lists have, and in texts inside it. What is broken is read as far as it goes, and from there on again.

mod plain;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, ops::Range};

use quick_xml::{
    Reader, XmlVersion,
    escape::{escape, resolve_predefined_entity},
    events::{BytesStart, Event},
};

use super::{
    SECRET,
    clues::Clues,
    redaction::{Redaction, SEPARATOR},
    script,
};
use crate::flatten::secret::{
    is_number, is_secret_name, is_value_of_its_neighbour, may_be_secret, names_its_neighbour, tail, tells_kind,
};
use plain::{is_plain, spells};

/// Deeper than this nothing is taken apart.
const MOST_DEPTH: usize = 512;

/// How often reading begins again after what is no XML.
const MOST_RESTARTS: usize = 32;

/// Finds the secrets of an XML text.
pub(super) fn read(found: &mut Redaction<'_>) {
    let clues = Clues::of(found.text);
    if !is_plain(found.text, &clues, found) {
        walk(found, clues);
    }
}

fn walk<'t>(found: &mut Redaction<'t>, clues: Clues) {
    let text: &'t str = found.text;
    let mut walk = Walk { clues, found, open: vec![Element::default()], subset: None };
    // the reader passes over a byte order mark without counting it
    let mut start = text.len() - text.trim_start_matches('\u{feff}').len();
    for restart in 0..=MOST_RESTARTS {
        match walk.read_from(start) {
            None => break,
            Some(_) if restart == MOST_RESTARTS => walk.unread(start..text.len()),
            // the text between is a text of the element that is open
            Some(broken) => {
                let next = text.get(broken + 1..).and_then(|rest| rest.find('<')).map(|at| broken + 1 + at);
                start = next.unwrap_or(text.len());
                walk.text(broken..start, text.get(broken..start).unwrap_or_default().into());
            }
        }
    }
    walk.flush();
    walk.subset();
}

/// An element that is open.
#[derive(Default)]
struct Element<'t> {
    name: Cow<'t, str>,
    /// The name that makes the text right in it a secret.
    secret: Option<Cow<'t, str>>,
    /// The name that makes all texts below it secrets.
    deep: Option<Cow<'t, str>>,
    /// The name that a child gave to the values beside it.
    neighbour: Option<Cow<'t, str>>,
    /// Values that came before any name.
    early: Vec<(Range<usize>, String)>,
    named: bool,
    run: Option<Run<'t>>,
}

/// Text that no tag interrupts, with its CDATA and references.
struct Run<'t> {
    place: Range<usize>,
    text: Cow<'t, str>,
    /// It refers to an entity that the document declares, so that nobody knows what it says.
    unknown: bool,
}

/// A text as XML has it; the separators of lists are no characters that anybody types.
fn written(text: &str) -> String {
    escape(text).replace(SEPARATOR, "&#xF000;")
}

struct Walk<'f, 't> {
    found: &'f mut Redaction<'t>,
    clues: Clues,
    open: Vec<Element<'t>>,
    /// The declarations of the document, which may hold what it refers to.
    subset: Option<Range<usize>>,
}

impl<'t> Walk<'_, 't> {
    /// Reads from `start` to the end; where it broke, if it did.
    fn read_from(&mut self, start: usize) -> Option<usize> {
        let whole: &'t str = self.found.text;
        let mut reader = Reader::from_str(whole.get(start..)?);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        loop {
            let from = start + usize::try_from(reader.buffer_position()).ok()?;
            let event = reader.read_event();
            let to = start + usize::try_from(reader.buffer_position()).ok()?;
            match event {
                Ok(Event::Start(tag)) => {
                    self.flush();
                    let element = self.element(&tag, from..to);
                    if self.open.len() > MOST_DEPTH {
                        self.unread(from..self.found.text.len());
                        return None;
                    }
                    self.open.push(element);
                }
                Ok(Event::Empty(tag)) => {
                    self.flush();
                    self.element(&tag, from..to);
                }
                Ok(Event::End(_)) => {
                    self.flush();
                    self.close();
                }
                Ok(Event::Text(text)) => self.text(from..to, text.into_inner()),
                Ok(Event::CData(text)) => self.text(from..to, text.into_inner()),
                Ok(Event::GeneralRef(name)) => {
                    let known = match name.resolve_char_ref() {
                        Ok(Some(c)) => Some(Cow::Owned(c.to_string())),
                        _ => resolve_predefined_entity(&name.into_inner()).map(Cow::Borrowed),
                    };
                    let unknown = known.is_none();
                    self.text(from..to, known.unwrap_or(Cow::Borrowed("&")));
                    if let Some(run) = self.top().run.as_mut() {
                        run.unknown |= unknown;
                    }
                }
                Ok(Event::Comment(_) | Event::PI(_)) => {
                    self.flush();
                    let inner = from + 2..to.saturating_sub(1).max(from + 2);
                    let text = self.found.text.get(inner.clone()).unwrap_or_default();
                    // as much as may be a text of its own
                    let core = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '!' | '?'));
                    let place = self.found.place(core);
                    self.found.inner(place, core, |kept| kept.replace("--", "- "));
                }
                Ok(Event::DocType(_)) => self.subset = Some(from..to),
                Ok(Event::Decl(_)) => {}
                Ok(Event::Eof) => return None,
                Err(_) => return Some(from),
            }
        }
    }

    fn top(&mut self) -> &mut Element<'t> {
        if self.open.is_empty() {
            self.open.push(Element::default());
        }
        let last = self.open.len() - 1;
        &mut self.open[last]
    }

    fn text(&mut self, place: Range<usize>, text: Cow<'t, str>) {
        match &mut self.top().run {
            Some(run) => {
                run.place.end = place.end;
                run.text.to_mut().push_str(&text);
            }
            none => *none = Some(Run { place, text, unknown: false }),
        }
    }

    /// An element that begins, its attributes looked through.
    fn element(&mut self, tag: &BytesStart<'_>, place: Range<usize>) -> Element<'t> {
        let name = self.found.own(tag.local_name().into_inner());
        let parent = self.top();
        if parent.deep.is_none() && parent.neighbour.is_none() && self.is_clean(&place) {
            for attribute in tag.html_attributes().with_checks(false).flatten() {
                let Some(place) = self.attribute_place(&place, attribute.value.as_ref()) else { continue };
                let value = attribute.normalized_value(XmlVersion::default()).unwrap_or(attribute.value);
                self.found.inner_payload(place, &value, written);
            }
            return Element { name, ..Element::default() };
        }
        let attributes: Vec<_> = tag
            .html_attributes()
            .with_checks(false)
            .flatten()
            .map(|attribute| {
                let key = attribute.key.local_name().into_inner();
                let place = self.attribute_place(&place, attribute.value.as_ref());
                (key, attribute.normalized_value(XmlVersion::default()).unwrap_or(attribute.value), place)
            })
            .collect();
        let parent = self.top();
        let mut deep = parent.deep.clone();
        if deep.is_none() && parent.neighbour.is_some() && is_value_of_its_neighbour(&name) {
            deep.clone_from(&parent.neighbour);
        }
        if is_secret_name(&name) {
            deep = Some(name.clone());
        }
        let named = attributes.iter().find(|(key, value, _)| {
            // `<string id=…>` is a text of a table of texts, as `<presentation id=…>` is one of presentations
            let table = ["string", "presentation"].iter().any(|of| name.eq_ignore_ascii_case(of))
                && key.eq_ignore_ascii_case("id");
            names_its_neighbour(key) && !table && is_secret_name(value)
        });
        let named = named.map(|(_, value, _)| Cow::Owned(tail(value).to_owned()));
        for (key, value, place) in attributes {
            let Some(place) = place else { continue };
            let by_element = named.as_deref().or(deep.as_deref()).filter(|_| is_value_of_its_neighbour(key));
            match Some(key).filter(|key| is_secret_name(key)).or(by_element) {
                Some(name) => {
                    if may_be_secret(name, &value) && !value.is_empty() {
                        self.found.secret(place, &value, SECRET);
                    } else {
                        self.found.inner(place, &value, written);
                    }
                }
                None => self.found.inner(place, &value, written),
            }
        }
        let secret = named.clone().or_else(|| deep.clone());
        Element { name, secret, deep, named: named.is_some(), neighbour: named, ..Element::default() }
    }

    /// Whether a tag names no secret and holds none, unless it is wrapped in something else.
    fn is_clean(&self, tag: &Range<usize>) -> bool {
        self.clues.are_none_in(tag) && self.found.text.get(tag.clone()).is_some_and(|tag| !spells(tag))
    }

    /// Where the value of an attribute of the tag at `tag` stands.
    fn attribute_place(&self, tag: &Range<usize>, value: &str) -> Option<Range<usize>> {
        let place = self.found.place(value);
        (tag.start <= place.start && place.end <= tag.end).then_some(place)
    }

    /// Judges the text that has come to its end.
    fn flush(&mut self) {
        let top = self.top();
        let Some(run) = top.run.take() else { return };
        let trimmed = run.text.trim();
        if trimmed.is_empty() {
            return;
        }
        if names_its_neighbour(&top.name) && top.secret.is_none() {
            let name = (run.unknown || is_secret_name(trimmed)).then(|| Cow::Owned(tail(trimmed).to_owned()));
            let parent = self.open.len().checked_sub(2).and_then(|at| self.open.get_mut(at));
            if let Some(parent) = parent {
                let first = !std::mem::replace(&mut parent.named, true);
                let early = std::mem::take(&mut parent.early);
                parent.neighbour.clone_from(&name);
                for (place, value) in early.into_iter().filter(|_| first) {
                    if name.as_ref().is_some_and(|name| may_be_secret(name, &value)) {
                        self.found.secret(place, &value, SECRET);
                    }
                }
            }
        }
        let (lead, tail) = (run.text.len() - run.text.trim_start().len(), run.text.trim_end().len());
        let write = |kept: &str| format!("{}{}{}", &run.text[..lead], written(kept), &run.text[tail..]);
        let top = self.top();
        match top.secret.clone() {
            // below a secret, `<minLength>8</minLength>` is none
            Some(_)
                if trimmed.len() < 4
                    && is_number(trimmed)
                    && !is_secret_name(&top.name)
                    && !is_value_of_its_neighbour(&top.name) => {}
            Some(_) if !run.unknown && !top.named && tells_kind(&top.name, trimmed) => {}
            Some(name) if run.unknown || may_be_secret(&name, trimmed) => {
                self.found.secret(run.place, &run.text, SECRET);
            }
            // what is no secret itself may hold one
            Some(_) => self.found.inner(run.place.clone(), trimmed, write),
            // it begins like XML, and is none
            None if self.is_all(&run.place) => self.unread(run.place),
            None => {
                if matches!(run.text, Cow::Borrowed(_)) && self.clues.are_none_in(&run.place) {
                    self.found.inner_payload(run.place.clone(), trimmed, write);
                } else {
                    self.found.inner(run.place.clone(), trimmed, write);
                }
                if let [.., parent, top] = self.open.as_mut_slice()
                    && !parent.named
                    && is_value_of_its_neighbour(&top.name)
                {
                    parent.early.push((run.place, trimmed.to_owned()));
                }
            }
        }
    }

    fn close(&mut self) {
        if self.open.len() < 2 {
            return;
        }
        let Some(closed) = self.open.pop() else { return };
        // SyncML: `<Target><LocURI>…</LocURI></Target><Data>…</Data>`
        let wraps = ["target", "source"].iter().any(|name| closed.name.eq_ignore_ascii_case(name));
        if wraps && closed.named {
            let parent = self.top();
            parent.neighbour = closed.neighbour;
            parent.named = true;
        }
    }

    /// Whether a text without any tag is all that there is.
    fn is_all(&self, place: &Range<usize>) -> bool {
        let (text, is_mark) = (self.found.text, '\u{feff}');
        place.end == text.len() && text[..place.start].trim_start_matches(is_mark).is_empty()
    }

    /// What is not taken apart.
    fn unread(&mut self, place: Range<usize>) {
        let text = self.found.text.get(place.clone()).unwrap_or_default();
        if let Some(kept) = script::without_secrets(text) {
            self.found.secret(place, text, &kept);
        }
    }

    /// Declarations may hold the secret that the document refers to: where there is one, they go.
    fn subset(&mut self) {
        let Some(place) = self.subset.take() else { return };
        let text = self.found.text.get(place.clone()).unwrap_or_default();
        let Some(open) = text.find('[') else { return };
        if self.found.is_found() || text[open..].split(|c: char| !c.is_ascii_alphanumeric()).any(is_secret_name) {
            self.found.secret(place.start + open..place.end.saturating_sub(1), "", &format!("[{SECRET}]"));
        }
    }
}
