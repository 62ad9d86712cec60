//! What becomes readable, and what must not leave.

use base64_simd::STANDARD;
use serde_json::{Value, json};

use super::{SECRET, of_property, of_text, redaction::without_secrets};

/// A made-up certificate, valid from 2026-11-27 to 2036-11-24; its key was thrown away.
const CERTIFICATE: &str = "MIIBtjCCAVugAwIBAgICGiswCgYIKoZIzj0EAwIwOTELMAkGA1UEBhMCVVMxEDAOBgNVBAoMB0NvbnRvc28xGDAWBgNVBAMMD0NvbnRvc28gUm9vdCBDQTAeFw0yNjExMjcwMzA1MDVaFw0zNjExMjQwMzA1MDVaMDkxCzAJBgNVBAYTAlVTMRAwDgYDVQQKDAdDb250b3NvMRgwFgYDVQQDDA9Db250b3NvIFJvb3QgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATZbqIw1a8Gtf6WFL8k21dOB4GPj0DuReAUqKj0eGQ4ZWm5ukSK49HLE4ww5gREDYMRf0iKWkBQ1gj1vW8rRU5No1MwUTAdBgNVHQ4EFgQUSq+zvbEA6GcYJmnSx5qZUrutoowwHwYDVR0jBBgwFoAUSq+zvbEA6GcYJmnSx5qZUrutoowwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAkeCdgT7dZzMIJbgEt4RV+JOFbUar3kUqB+JgOcc/o1QCIQCh9vA53adQ0Ircc89lCMCm9kHE1JUnyPChulz1j9QlzQ==";

fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode_to_string(bytes)
}

fn shown(value: &Value) -> String {
    of_property("payload", value).map(|payload| payload.text).unwrap()
}

/// A value of ASN.1, its length in the definite form.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let length = match length {
        0..0x80 => vec![low],
        0x80..0x100 => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [&[tag], &length[..], content].concat()
}

/// The same, its length in the indefinite form.
fn ber(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, 0x80], content, &[0, 0]].concat()
}

fn oid(last: &[u8]) -> Vec<u8> {
    let bytes = [&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01][..], last].concat();
    [&[0x06, u8::try_from(bytes.len()).unwrap()][..], &bytes].concat()
}

/// `content` as CMS signed data, without anybody's signature.
fn signed(content: &[u8], wrap: fn(u8, &[u8]) -> Vec<u8>) -> Vec<u8> {
    let half = content.len() / 2;
    let pieces = [der(0x04, &content[..half]), der(0x04, &content[half..])].concat();
    let octets = if wrap(0x30, &[])[1] == 0x80 { ber(0x24, &pieces) } else { der(0x04, content) };
    let inner = wrap(0x30, &[oid(&[7, 1]), wrap(0xa0, &octets)].concat());
    let data = [vec![2, 1, 1], wrap(0x31, &[]), inner, wrap(0x31, &[])].concat();
    wrap(0x30, &[oid(&[7, 2]), wrap(0xa0, &wrap(0x30, &data))].concat())
}

#[test]
fn secrets_are_replaced_and_the_rest_stays_as_it_is() {
    for (text, kept) in [
        ("<key>Password</key>\n<string>hunter2</string>", "<key>Password</key>\n<string>(secret)</string>"),
        ("<keyMaterial>abc</keyMaterial>", "<keyMaterial>(secret)</keyMaterial>"),
        (r#"{"vpn":{"sharedSecret": "a\"b", "port": 1}}"#, r#"{"vpn":{"sharedSecret": "(secret)", "port": 1}}"#),
        (r#"{"key":"api_key","valueString":"x1"}"#, r#"{"key":"api_key","valueString":"(secret)"}"#),
        (
            r#"{"valueString":"x1","key":"com.contoso.Token"}"#,
            r#"{"valueString":"(secret)","key":"com.contoso.Token"}"#,
        ),
        ("<a adminPassword='x' b='c'/>", "<a adminPassword='(secret)' b='c'/>"),
        (
            "<a><b>1</b><wsse:Password Type='t'>x</wsse:Password></a>",
            "<a><b>1</b><wsse:Password Type='t'>(secret)</wsse:Password></a>",
        ),
        (r#"<add value="x" key="ApiToken"/>"#, r#"<add value="(secret)" key="ApiToken"/>"#),
        (
            "<enabled/><data id=\"ProxyPassword\" value=\"x\"/>",
            "<enabled/><data id=\"ProxyPassword\" value=\"(secret)\"/>",
        ),
        (
            "<Item><Target><LocURI>./A/Password</LocURI></Target><Data>x</Data></Item>",
            "<Item><Target><LocURI>./A/Password</LocURI></Target><Data>(secret)</Data></Item>",
        ),
        ("<p><value>x</value><name>password</name></p>", "<p><value>(secret)</value><name>password</name></p>"),
        (r#"{"body":"{\"orgId\":\"a\"}","sig":"hunter2"}"#, r#"{"body":"(secret)","sig":"(secret)"}"#),
        (r#"{"Authorization":"Basic aHVudGVyMg=="}"#, r#"{"Authorization":"(secret)"}"#),
        (
            "<dict><key>activationCode</key><string>hunter2</string></dict>",
            "<dict><key>activationCode</key><string>(secret)</string></dict>",
        ),
        ("<key>ldapBindPw</key><string>hunter2</string>", "<key>ldapBindPw</key><string>(secret)</string>"),
        ("<a><userPw>hunter2</userPw></a>", "<a><userPw>(secret)</userPw></a>"),
        ("<Product ID=\"a\" PIDKEY=\"HUNT2-HUNT2-HUNT2-HUNT2-HUNT2\"/>", "<Product ID=\"a\" PIDKEY=\"(secret)\"/>"),
        (
            "<enabled/><data id=\"List\" value=\"A&#xF000;1&#xF000;API_KEY&#xF000;hunter2\"/>",
            "<enabled/><data id=\"List\" value=\"A&#xF000;1&#xF000;API_KEY&#xF000;(secret)\"/>",
        ),
        (
            "<data id=\"List\" value=\"API_KEY\u{f000}hunter2\"/>",
            "<data id=\"List\" value=\"API_KEY&#xF000;(secret)\"/>",
        ),
        ("{\"icon\":\"\u{f000}\",\"tokens\":[\"hunter2\"]}", "{\"icon\":\"\u{f000}\",\"tokens\":[\"(secret)\"]}"),
        (r#"{"X-Authorization":"Basic aHVudGVyMg=="}"#, r#"{"X-Authorization":"(secret)"}"#),
        ("$password = \"hunter2\"\r\nWrite-Host 1", "$password = \"(secret)\"\r\nWrite-Host 1"),
        ("<password=hunter2", "<password=(secret)"),
        ("setup --password hunter2 --quiet", "setup --password (secret) --quiet"),
        ("export API_TOKEN=hunter2; run", "export API_TOKEN=(secret); run"),
        ("curl https://me:hunter2@contoso.com/x", "curl https://me:(secret)@contoso.com/x"),
        ("Server=a;Password=hunter2;Pooling=true", "Server=a;Password=(secret);Pooling=true"),
        ("$pw = 'hunter2'; New-LocalUser a", "$pw = '(secret)'; New-LocalUser a"),
        ("net user admin hunter2! /add", "net user admin (secret) /add"),
        ("NET.EXE USER \"the admin\" \"hunter 2\" /add", "NET.EXE USER \"the admin\" \"(secret)\" /add"),
        ("curl -s -u admin:hunter2 https://contoso.com", "curl -s -u admin:(secret) https://contoso.com"),
        (
            "https://a.blob.core.windows.net/c/f?sv=2024&sig=hunter2hunter2hunter2%3D&se=x",
            "https://a.blob.core.windows.net/c/f?sv=2024&sig=(secret)&se=x",
        ),
        (
            "<a url='https://a.blob.core.windows.net/f?sv=1&amp;sig=hunter2hunter2hunter2%3D'/>",
            "<a url='https://a.blob.core.windows.net/f?sv=1&amp;sig=(secret)'/>",
        ),
        (
            "irm https://a.azurewebsites.net/api/f?x=1&code=hunter2hunter2hunter2==",
            "irm https://a.azurewebsites.net/api/f?x=1&code=(secret)",
        ),
        ("https://hooks.slack.com/services/T1/B1/hunter2hunter2", "https://hooks.slack.com/services/(secret)"),
        (
            "https://contoso.webhook.office.com/webhookb2/hunter2hunter2@hunter2hunter2/IncomingWebhook/a",
            "https://contoso.webhook.office.com/webhookb2/(secret)",
        ),
        ("Bearer hunter2hunter2hunter2", "Bearer (secret)"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJodW50ZXIiOjJ9.hunter2hunter2", "eyJhbGciOiJIUzI1NiJ9.(secret)"),
    ] {
        assert_eq!(without_secrets(text, 0).as_deref(), Some(kept), "{text}");
    }
}

#[test]
fn what_only_speaks_of_passwords_is_kept() {
    for text in [
        r#"{"requirePassword":"true","passwordLength":"8","minimumPasswordAge":3,"passwordRequiredType":"alphanumeric"}"#,
        r#"{"requirePassword":"onWakeup","token":"{{deviceid}}","psk":"","secret":null,"password":"****"}"#,
        "<key>Password</key><true/>",
        r#"{"body":"Hello","authorization":"none","exitCode":"1603"}"#,
        "<enabled/><data id=\"List\" value=\"A&#xF000;1&#xF000;B&#xF000;2\"/>",
        // a value that is called as a secret is the name of none
        "<enabled/><data id=\"List\" value=\"Title&#xF000;Password&#xF000;Length&#xF000;twelve\"/>",
        r#"{"body":null,"sig":null,"subject":"hello","from":"contoso"}"#,
        "<dict><key>allowFingerprintForUnlock</key><true/><key>forcePIN</key><true/><key>minLength</key><integer>8</integer></dict>",
        "<dict><key>PayloadType</key><string>com.apple.mobiledevice.passwordpolicy</string></dict>",
        "<dict><key>allowPasswordAutoFill</key><false/><key>maxPINAgeInDays</key><integer>90</integer></dict>",
        "<assemblyIdentity name=\"a\" publicKeyToken=\"31bf3856ad364e35\"/>",
        "<policy name=\"EnablePassword\" key=\"Software\\Policies\\Password\" valueName=\"Password\"><enabledValue><decimal value=\"1\"/></enabledValue></policy>",
        "<string id=\"ProxyPassword\">The password of the proxy</string>",
        "<enabled/><data id=\"PasswordComplexity\" value=\"4\"/><data id=\"PasswordLength\" value=\"15\"/>",
        "$password = Read-Host -AsSecureString; $token = $env:TOKEN; use --password $password",
        "password = \"$pw\"; --token \"$TOKEN\"",
        "The password must have 8 characters: see https://contoso.com/password?x=1",
        "Enter your password: or your PIN",
        "net user admin /active:no; net user $name $pw; net user admin *",
        "curl -u \"$USER:$PASS\" https://contoso.com/a?code=301&sig=none",
        "https://contoso.com/a?code=hunter2hunter2hunter2",
        "Bearer of this device",
        "Password required",
    ] {
        assert_eq!(without_secrets(text, 0), None, "{text}");
    }
}

#[test]
fn a_secret_is_found_wherever_it_stands_in_a_long_text() {
    for blanks in 4_060..4_120 {
        let text = format!("<a>{}<b Token=\"hunter2!\"/></a>", " ".repeat(blanks));
        let kept = without_secrets(&text, 0).unwrap_or_default();
        assert_eq!(kept, text.replace("hunter2!", SECRET), "after {blanks} blanks");
    }
}

/// Texts with `hunter2!` in them, as somebody might hide it.
fn hidden() -> Vec<String> {
    let json = r#"{"password":"hunter2!"}"#;
    let xml = "<r><password>hunter2!</password></r>";
    let escaped = xml.replace('<', "&lt;").replace('>', "&gt;");
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let mut texts: Vec<String> = [
        "<plist><dict><key>Pass&#119;ord</key><string>hunter2!</string></dict></plist>",
        "<a b='[\"x\ty\",\"eyJwYXNzd29yZCI6Imh1bnRlcjIhIn0=\"]'/>",
        "<a b='{\"note\":\"one\ntwo\",\"d\":\"eyJwYXNzd29yZCI6Imh1bnRlcjIhIn0=\"}'/>",
        "<a b='{\"p\\u0061ssword\":\"hunter2!\",\"n\":\"x\ty\"}'/>",
        "\u{feff}<a>\u{e9}xx<add name=\"P&#97;ssword\" value=\"hunter2!\" /></a>",
        "\u{feff}<a><password>hunter2!</password></a>",
        "\u{feff}<a><b password=\"hunter2!\">1</b></a>",
        "<add name=\"Pass&#119;ord\" value=\"hunter2!\"/>",
        "<add note=\"a&#xD;&#xA;b\" name=\"Password\" value=\"hunter2!\"/>",
        "<add note=\"{&#34;p&#97;ssword&#34;:&#34;hunter2!&#34;}\"/>",
        "<plist><dict><key><![CDATA[Password]]></key><string>hun<![CDATA[ter2!]]></string></dict></plist>",
        "<plist><dict><key>Password</key><!-- the key --><string>hunter2!</string></dict></plist>",
        "<plist><dict><key>Passwords</key><array><string>hunter2!</string></array></dict></plist>",
        "<plist><dict><key>Password</key><dict><key>Value</key><string>hunter2!</string></dict></dict></plist>",
        "<plist><dict><key>Password</key><string>hunter2!",
        "<plist><dict><key>Password</key><string>hunter2!</strin",
        "<plist><dict><key>Password</key><string><![CDATA[hunter2!",
        "<a><!-- <password>hunter2!</password> --></a>",
        "<a><!-- password=\"hunter2!\" --><b/></a>",
        "<a><?set password=\"hunter2!\"?></a>",
        "<!DOCTYPE a [<!ENTITY p \"hunter2!\">]><a><password>&p;</password></a>",
        "<!DOCTYPE a [<!ENTITY n \"Password\">]><dict><key>&n;</key><string>hunter2!</string></dict>",
        "<!DOCTYPE a [<!ENTITY e \"<password>hunter2!</password>\">]><a>&e;</a>",
        "<!DOCTYPE a [<!ATTLIST a password CDATA \"hunter2!\">]><a/>",
        "<a><x:password xmlns:x='u' x='>'>hunter2!</x:password></a>",
        "<a x:Password = 'hunter2!'/>",
        "<a password='hunter2!' password='b'/>",
        "<a b=\"{&quot;password&quot;:&quot;hunter2!&quot;}\"/>",
        "<setting name='ClientSecret'><value>hunter2!</value></setting>",
        "<WLANProfile><sharedKey><protected>false</protected><keyMaterial>hunter2!</keyMaterial></sharedKey></WLANProfile>",
        "<Password><Value>hunter2!</Value><PlainText>true</PlainText></Password>",
        "<a>< b</a><password>hunter2!</password>",
        "<a><password>hunter2!</a></password></b>",
        "<a>x</a>&<password>hunter2!</password>",
        "<a note='it is hunter2!'><password>hunter2!</password></a>",
        r#"{"pass\u0077ord":"hunter2!"}"#,
        r#"{"password":"hunter2!","password":""}"#,
        r#"{"a":[[{"Password":["hunter2!"]}]]}"#,
        r#"{"a":{"secret":{"b":{"c":"hunter2!"}}}}"#,
        r#"{"managedProperty":[{"key":"apiToken","valueBundle":{"managedProperty":[{"key":"a","valueString":"hunter2!"}]}}]}"#,
        r#"{"key":"token","x":1,"y":{"z":2},"valueStringArray":["hunter2!"]}"#,
        r#"{"a":"{\"b\":\"{\\\"password\\\":\\\"hunter2!\\\"}\"}"}"#,
        r#"{"a":"<r><password>hunter2!</password></r>"}"#,
        r#"{"a":"$password = 'hunter2!'"}"#,
        r#"{"password":"hunter2!",}"#,
        r#"{"password":"hunter2!" // a comment"#,
        r#"{"a":"\ud800","password":"hunter2!"}"#,
        r#"{"key":"token","valueString":"hunter2!",}"#,
        r#"{"note":"hunter2! is it","password":"hunter2!"}"#,
        r#"{"secret":"<config><password>hunter2!</password></config>"}"#,
        r#"{"apiToken":"https://contoso.com/?sig=hunter2!hunter2!"}"#,
        "<a name=product/key value=hunter2! />",
        "<a><type name='password'>hunter2!</type></a>",
        "$Password='hunter2!'",
        "$secret = @'\nhunter2!\n'@",
        "$p = ConvertTo-SecureString 'hunter2!' -AsPlainText -Force",
        "$p = ConvertTo-SecureString -String \"hunter2!\" -AsPlainText",
        "$c = New-Object PSCredential(\"a\", (\"hunter2!\" | ConvertTo-SecureString -AsPlainText -Force))",
        "$p = 'hunter2!' | ConvertTo-SecureString -AsPlainText -Force",
        "New-LocalUser -Name a -Password 'hunter2!'",
        "net.exe --admin-password=hunter2!",
        "setup.exe /password:hunter2! /quiet",
        "#!/bin/sh\nAPI_TOKEN='hunter2!'\n",
        "#!/bin/sh\nexport SECRET=hunter2!\n",
        "#!/bin/sh\n# password: hunter2!\n",
        "[x]\npassword = hunter2!\n",
        "$h = @{ password = 'hunter2!'; x = 1 }",
        "$conn = \"Server=a;Password=hunter2!;x=y\"",
        "curl -H 'Authorization: Bearer hunter2!hunter2!aaaa'",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2!\n-----END RSA PRIVATE KEY-----",
        "x = \"-----BEGIN PRIVATE KEY-----\nhunter2!",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.extend([
        format!("<a>{escaped}</a>"),
        format!("<a><![CDATA[{xml}]]></a>"),
        format!("<plist><dict><key>Inner</key><data>\n{}\n</data></dict></plist>", base64(xml)),
        format!(r#"{{"inner":"{}"}}"#, base64(base64(json))),
        base64(json),
        base64(base64(xml)),
        base64(utf16(json)),
        base64([&[0xff, 0xfe], &utf16(xml)[..]].concat()),
        base64([&[0xef, 0xbb, 0xbf], xml.as_bytes()].concat()),
        base64(signed(xml.as_bytes(), der)),
        base64(signed(xml.as_bytes(), ber)),
        base64(signed(&signed(xml.as_bytes(), ber), der)),
        base64("$password = 'hunter2!' # Gr\u{fc}\u{df}e"),
        format!("\u{feff} \n{xml}"),
    ]);
    texts
}

#[test]
fn a_secret_does_not_leave_however_it_is_hidden() {
    for text in hidden() {
        for carried in [text.clone(), base64(&text), json!({"x": text}).to_string(), json!([[text]]).to_string()] {
            let payload =
                of_property("payload", &json!(carried)).unwrap_or_else(|| panic!("unread: {text}\n{carried}"));
            assert!(payload.holds_secret, "{text}\n{carried}\n{}", payload.text);
            assert!(payload.text.contains(SECRET), "{text}\n{}", payload.text);
            assert!(!payload.text.contains("hunter2!"), "{text}\n{}", payload.text);
            assert!(!payload.text.contains(&base64(&text)), "{text}\n{}", payload.text);
        }
    }
}

#[test]
fn a_profile_is_readable_however_it_is_encoded() {
    let xml = "<plist version=\"1.0\"><dict><key>SSID_STR</key><string>Contoso</string></dict></plist>";
    let utf16: Vec<u8> = xml.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in
        [xml.as_bytes().to_vec(), signed(xml.as_bytes(), der), signed(xml.as_bytes(), ber), base64(xml).into(), utf16]
    {
        for value in [json!(base64(&bytes)), json!(base64(&bytes).trim_end_matches('='))] {
            assert_eq!(shown(&value), xml);
            assert_eq!(of_text(&value).unwrap().text, xml);
        }
    }
}

#[test]
fn a_binary_property_list_is_written_out_without_its_secrets() {
    let mut wifi = plist::Dictionary::new();
    wifi.insert("SSID_STR".to_owned(), "Contoso".into());
    wifi.insert("Password".to_owned(), "hunter2".into());
    wifi.insert("Priority".to_owned(), 3.into());
    let mut bytes = Vec::new();
    plist::Value::Array(vec![plist::Value::Dictionary(wifi)]).to_writer_binary(&mut bytes).unwrap();
    let payload = of_text(&json!(base64(&bytes))).unwrap();
    assert!(payload.holds_secret);
    for part in ["<string>Contoso</string>", "<string>(secret)</string>", "<integer>3</integer>"] {
        assert!(payload.text.contains(part), "{}", payload.text);
    }
    assert!(!payload.text.contains("hunter2"));
}

#[test]
fn a_certificate_says_whose_it_is_and_until_when() {
    let words = "Subject: CN=Contoso Root CA,O=Contoso,C=US\nIssuer: CN=Contoso Root CA,O=Contoso,C=US\n\
                 Valid from: 2026-11-27\nExpires: 2036-11-24\nSerial number: 1a2b";
    let pem = format!("-----BEGIN CERTIFICATE-----\n{CERTIFICATE}\n-----END CERTIFICATE-----\n");
    for value in [json!(CERTIFICATE), json!(pem), json!(base64(&pem))] {
        let payload = of_property("trustedRootCertificate", &value).unwrap();
        assert_eq!(payload.text, words);
        assert!(!payload.holds_secret);
    }
    let with_key = format!("{pem}-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----");
    let payload = of_text(&json!(base64(with_key))).unwrap();
    assert!(payload.holds_secret && payload.text.starts_with(words) && !payload.text.contains("hunter2"));
}

#[test]
fn a_picture_says_what_it_is() {
    let picture = [&b"\x89PNG\r\n\x1a\n"[..], &[0; 40]].concat();
    assert_eq!(of_text(&json!(base64(picture))).unwrap().text, "PNG picture, 48 bytes");
    // a text that only begins like one
    let payload = of_text(&json!(base64(b"GIF89a password=hunter2sec and more"))).unwrap();
    assert_eq!((payload.text.as_str(), payload.holds_secret), ("GIF89a password=(secret) and more", true));
}

#[test]
fn base64_is_decoded_however_it_is_padded() {
    let secret = "<a><password>hunter2secret</password></a>";
    for length in 0..3 {
        let encoded = base64(format!("{secret}{}", " ".repeat(length)));
        let packed = encoded.trim_end_matches('=');
        for padding in 0..3 {
            for blanks in ["", "\n", " ", "\r\n"] {
                for alphabet in [packed.to_owned(), packed.replace('+', "-").replace('/', "_")] {
                    let written = format!("{alphabet}{}{blanks}", "=".repeat(padding));
                    let payload = of_property("payload", &json!(written)).unwrap();
                    assert!(payload.holds_secret && !payload.text.contains("hunter2"), "{written:?}");
                }
            }
        }
    }
}

#[test]
fn base64_of_a_text_is_told_from_a_word_by_its_length() {
    let text = |text: &str| of_text(&json!(base64(text))).map(|payload| payload.text);
    let script = "#!/bin/sh\necho \"compliant\"\n";
    assert_eq!(text(script).as_deref(), Some(script));
    assert_eq!(text("a word"), None);
    // hexadecimal digits are letters of base64 as well
    assert!(of_text(&json!("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")).is_none());
}

#[test]
fn keys_are_secrets_whatever_holds_them() {
    let number = [0x02, 0x01, 0x05];
    let keys = [
        ("pkcs12", der(0x30, &[&[2, 1, 3][..], &der(0x30, &oid(&[7, 1]))].concat())),
        ("pkcs12 in ber", ber(0x30, &[&[2, 1, 3][..], &ber(0x30, &oid(&[7, 1]))].concat())),
        ("pkcs8", der(0x30, &[&[2, 1, 0][..], &der(0x30, &oid(&[1, 1])), &number].concat())),
        ("pkcs1", der(0x30, &[&[2, 1, 0][..], &number, &number].concat())),
        ("sec1", der(0x30, &[2, 1, 1, 4, 1, 7])),
        ("encrypted", der(0x30, &[der(0x30, &oid(&[5, 13])), der(0x04, b"hunter2")].concat())),
    ];
    for (name, key) in keys {
        let key = base64(key);
        let profile = format!("<dict><key>PayloadContent</key><data>{key}</data></dict>");
        for value in [json!(key), json!(profile), json!(json!({"certificate": key}).to_string())] {
            let payload = of_text(&value).unwrap_or_else(|| panic!("{name} in {value}"));
            assert!(payload.holds_secret && !payload.text.contains(&key), "{name}: {}", payload.text);
        }
    }
}

#[test]
fn what_is_no_payload_is_left_alone() {
    for text in [
        "AAEC",
        "Defender",
        "PolicyManager",
        "MaximumPasswordAge",
        "WindowsUpdateForBusiness",
        "x",
        "",
        "MIIB",
        "<",
        "{}",
        "PGE",
    ] {
        assert!(of_text(&json!(text)).is_none_or(|payload| payload.text == text), "{text}");
    }
    // binary, and text that is base64 by chance
    assert!(of_property("payload", &json!(base64([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]))).is_none());
    assert!(of_property("payload", &json!("disabled")).is_none());
}

/// Texts that are made to be costly.
fn hostile() -> Vec<String> {
    let deep = |open: &str, close: &str, times: usize| format!("{}{}", open.repeat(times), close.repeat(times));
    vec![
        deep("<a>", "</a>", 30_000),
        deep("<a>", "", 50_000),
        deep("[", "]", 50_000),
        deep("[", "]", 120),
        deep("{\"a\":", "}", 100_000),
        "<!--".repeat(20_000),
        "<![CDATA[".repeat(20_000),
        "<a b='".repeat(20_000),
        "<".repeat(200_000),
        "&a;".repeat(500_000),
        "password=".repeat(20_000),
        "password ".repeat(20_000),
        "password=$".repeat(50_000),
        "password><![CDATA[$\n".repeat(30_000),
        "secret=@\"\n".repeat(50_000),
        "ConvertTo-SecureString -Key (ConvertTo-SecureString 'xabc' ".repeat(4_000),
        "net user aa bb ".repeat(40_000),
        format!(r#"{{"key":"{}password","value":[{}1]}}"#, "A".repeat(400_000), "\"a\",".repeat(100_000)),
        format!("<d><key>{}password</key>{}</d>", "A".repeat(400_000), "<string>x</string>".repeat(30_000)),
        "\"password\": \"".repeat(20_000),
        "/d password /v password ".repeat(4_000),
        "password -a \"x\" -b 'y' -c ".repeat(4_000),
        "Name=\"password\";A=\"x\";".repeat(4_000),
        "API_KEY\u{f000}".repeat(50_000),
        (0..30).fold("$pw='hunter2'".to_owned(), |text, _| format!("FromBase64String('{}')", base64(text))),
        "<password>".repeat(100_000),
        "<a>[</a>".to_owned() + &"<a>x</a>".repeat(50_000) + &" ".repeat(1 << 20),
        "<key>password</key>".repeat(20_000),
        "<!DOCTYPE a [<!ENTITY a \"&b;&b;&b;\"><!ENTITY b \"&c;&c;&c;\">]><a>&a;</a>".to_owned(),
        base64(ber(0x30, &[0x24, 0x80].repeat(30_000))),
        base64(signed(&[0x24, 0x80].repeat(20_000), ber)),
        base64([b"bplist00", &[0xff; 4096][..]].concat()),
        format!("{{\"a\":\"{}\"}}", "\\\\".repeat(500_000)),
    ]
}

#[test]
fn what_is_hostile_costs_little() {
    let started = std::time::Instant::now();
    for text in hostile() {
        let _ = of_property("payload", &json!(text));
        let _ = of_property("payload", &json!(base64(text)));
    }
    // an entity bomb of a binary property list: each of its lists holds the one before it ten times
    let mut bomb = b"bplist00".to_vec();
    let levels = 30_u8;
    let offsets: Vec<u8> = (0..levels).map(|level| 8 + level * 7).collect();
    for level in 0..levels {
        bomb.push(0xa6);
        bomb.extend([(level + 1).min(levels); 6]);
    }
    bomb.push(0x09);
    let table = u8::try_from(bomb.len()).unwrap();
    bomb.extend(&offsets);
    bomb.push(table - 1);
    bomb.extend([0, 0, 0, 0, 0, 0, 1, 1]);
    for number in [u64::from(levels) + 1, 0, u64::from(table)] {
        bomb.extend(number.to_be_bytes());
    }
    assert!(of_text(&json!(base64(bomb))).is_none());
    // debug builds on slow machines, too
    assert!(started.elapsed().as_secs() < 120, "{:?}", started.elapsed());
}
