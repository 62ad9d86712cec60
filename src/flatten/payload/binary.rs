//! Bytes that are no text: property lists, signed profiles, certificates and keys.

use std::{fmt::Write as _, io::Cursor};

use bcder::{ConstOid, Mode, OctetString, Oid, Tag};
use plist::stream::{BinaryReader, Writer as _, XmlWriter};
use x509_cert::{
    Certificate,
    der::{Decode as _, Header, Reader as _, SliceReader},
};

use super::{characters::Characters, encoded, redaction};

/// `pkcs7-signedData` (RFC 5652).
const SIGNED_DATA: ConstOid = Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02]);

/// What begins the parameters of an encrypted private key: PKCS#5, and PKCS#12's own schemes.
const PASSWORD_BASED: [&[u8]; 2] =
    [&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05], &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01]];

/// A property list may name an object as often as it likes: what it writes out to is bounded.
const MOST_EVENTS: usize = 200_000;
const MOST_XML: usize = 16 << 20;

/// Signed inside signed, encoded inside encoded: nothing real goes deeper.
const MOST_WRAPPERS: usize = 8;

/// What pictures begin with: a wallpaper, an icon.
const PICTURES: [(&[u8], &str); 3] = [(b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF8", "GIF")];

/// What bytes hold.
pub(super) enum Content {
    /// XML, JSON or what a reader made readable, its secrets still in it.
    Readable(String),
    /// Any other text, which may be one by chance.
    Plain(String),
    /// A private key, with or without its certificate: nothing of it may be shown.
    Key,
}

/// What `bytes` hold, below `wrappers` others; `None` where it is nothing readable.
pub(super) fn content(bytes: &[u8], wrappers: usize) -> Option<Content> {
    if wrappers > MOST_WRAPPERS {
        return None;
    }
    if bytes.starts_with(b"bplist") {
        return property_list(bytes).map(Content::Readable);
    }
    if bytes.starts_with(&[0x30]) {
        if is_key(bytes) {
            return Some(Content::Key);
        }
        if let Ok(certificate) = Certificate::from_der(bytes) {
            return Some(Content::Readable(described(&certificate)));
        }
        if let Some(signed) = signed_content(bytes) {
            return content(&signed, wrappers + 1);
        }
    }
    let Some(text) = encoded::text(bytes) else {
        let (_, format) = PICTURES.iter().find(|(begin, _)| bytes.starts_with(begin))?;
        return Some(Content::Readable(format!("{format} picture, {} bytes", bytes.len())));
    };
    if redaction::is_structured(&text) {
        return Some(Content::Readable(text));
    }
    if let Some(certificates) = pem(&text) {
        return Some(Content::Readable(certificates));
    }
    let again = encoded::is_promising(&text, Characters::of(&text)).then(|| encoded::bytes(&text)).flatten();
    match again.and_then(|bytes| content(&bytes, wrappers + 1)) {
        None | Some(Content::Plain(_)) => Some(Content::Plain(text)),
        inner => inner,
    }
}

/// The XML form of a binary property list.
fn property_list(bytes: &[u8]) -> Option<String> {
    let mut xml = Vec::new();
    let mut writer = XmlWriter::new(&mut xml);
    let mut size = 0;
    for (count, event) in BinaryReader::new(Cursor::new(bytes)).enumerate() {
        let event = event.ok()?;
        size += match &event {
            plist::stream::Event::String(text) => text.len(),
            plist::stream::Event::Data(data) => data.len() * 4 / 3,
            _ => 16,
        };
        if count > MOST_EVENTS || size > MOST_XML {
            return None;
        }
        writer.write(event).ok()?;
    }
    drop(writer);
    String::from_utf8(xml).ok()
}

/// What was signed, in DER or in the older BER that Apple's tools write.
fn signed_content(bytes: &[u8]) -> Option<Vec<u8>> {
    let content = Mode::Ber.decode(bytes, |file| {
        file.take_sequence(|info| {
            SIGNED_DATA.skip_if(info)?;
            info.take_constructed_if(Tag::CTX_0, |explicit| {
                explicit.take_sequence(|signed| {
                    signed.skip_one()?;
                    signed.skip_one()?;
                    let content = signed.take_sequence(|inner| {
                        inner.skip_one()?;
                        inner.take_constructed_if(Tag::CTX_0, OctetString::take_from)
                    })?;
                    // `skip_all` takes the end of an indefinite length for a lack of values
                    while signed.skip_opt(|_, _, _| Ok(()))?.is_some() {}
                    Ok(content)
                })
            })
        })
    });
    content.ok().map(|content| content.to_bytes().to_vec())
}

/// Whether DER is a private key: PKCS#1, PKCS#8, SEC 1 or PKCS#12, which begin with their version where
/// certificates begin with a sequence, or PKCS#8 encrypted with a password.
fn is_key(bytes: &[u8]) -> bool {
    let Some(inner) = sequence(bytes) else { return false };
    match inner {
        [0x02, 0x01, 0 | 1 | 3, 0x02 | 0x04 | 0x30, ..] => true,
        [0x30, ..] => sequence_start(inner)
            .and_then(|algorithm| algorithm.strip_prefix(&[0x06]))
            .and_then(|oid| oid.get(1..))
            .is_some_and(|oid| PASSWORD_BASED.iter().any(|begin| oid.starts_with(begin))),
        _ => false,
    }
}

/// The content of a sequence that is all of `bytes`.
fn sequence(bytes: &[u8]) -> Option<&[u8]> {
    if let [0x30, 0x80, inner @ ..] = bytes {
        return Some(inner);
    }
    let mut reader = SliceReader::new(bytes).ok()?;
    let length = usize::try_from(Header::decode(&mut reader).ok()?.length).ok()?;
    sequence_start(bytes).filter(|inner| inner.len() == length)
}

/// What follows the header of the sequence that `bytes` begin with.
fn sequence_start(bytes: &[u8]) -> Option<&[u8]> {
    let mut reader = SliceReader::new(bytes).ok()?;
    let header = Header::decode(&mut reader).ok()?;
    let at = usize::try_from(reader.position()).ok()?;
    (header.tag == x509_cert::der::Tag::Sequence).then(|| &bytes[at..])
}

/// The certificates of a PEM text in words; keys beside them stay for the secrets rule to find.
pub(super) fn pem(text: &str) -> Option<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    if !text.trim_start().starts_with("-----BEGIN ") {
        return None;
    }
    let mut words = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find(BEGIN) {
        let end = begin + rest[begin..].find(END)?;
        let bytes = encoded::bytes(&rest[begin + BEGIN.len()..end])?;
        words.push_str(&rest[..begin]);
        words.push_str(&described(&Certificate::from_der(&bytes).ok()?));
        rest = &rest[end + END.len()..];
    }
    words.push_str(rest);
    Some(words.trim_end().to_owned())
}

/// A certificate as an administrator knows it.
fn described(certificate: &Certificate) -> String {
    let known = &certificate.tbs_certificate;
    let day = |time: x509_cert::time::Time| {
        let date = time.to_date_time();
        format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
    };
    let (from, until) = (day(known.validity.not_before), day(known.validity.not_after));
    let mut words =
        format!("Subject: {}\nIssuer: {}\nValid from: {from}\nExpires: {until}", known.subject, known.issuer);
    let serial = known.serial_number.as_bytes().iter().skip_while(|byte| **byte == 0);
    words.push_str("\nSerial number: ");
    for byte in serial {
        // writing to a String does not fail
        let _ = write!(words, "{byte:02x}");
    }
    words
}
