//! Which names and values are secrets, and which only speak of them.

use serde_json::json;

use super::{is_of_pair, is_secret_id, is_secret_name, is_secret_property, may_be_secret, named_by_pair};

#[test]
fn names_that_hold_secrets_are_known_in_any_writing() {
    for name in [
        "preSharedKey",
        "PreSharedKey",
        "pre_shared_key",
        "wiFiPassword",
        "proxyManualPassword",
        "secretReferenceValueId",
        "license",
        "Client Secret",
        "userPassword",
        "issuerPassword",
        "connection_string",
        "AppWeb_Connection_String",
        "com.contoso.connection.string",
        "provisioning_key",
    ] {
        assert!(is_secret_property(name), "{name}");
    }
    for id in [
        "com.contoso.vpn.Password",
        "./Vendor/MSFT/VPN/PreSharedKey",
        "com.apple.carddav_carddavpassword",
        "x_api_key",
        "device_vendor_msft_windowsadvancedthreatprotection_onboarding",
        "x~policy~browser_managementenrollmenttoken_managementenrollmenttoken",
        "com.contoso.sso_auth_token",
        "Proxy password",
    ] {
        assert!(is_secret_id(id), "{id}");
    }
    for key in ["com.contoso.token", "vpn.Password", "appApiToken", "enrollment_token", "com.contoso.license"] {
        let pair = json!({"key": key, "valueString": "hunter2"});
        let name = named_by_pair(pair.as_object().unwrap());
        assert!(name.is_some_and(|name| is_of_pair(name, "valueString", &pair["valueString"])), "{key}");
    }
}

#[test]
fn policies_about_passwords_and_keys_are_no_secrets() {
    for name in [
        "passwordMinimumLength",
        "passwordRequiredType",
        "localSecurityOptionsBlockRemoteLogonWithBlankPasswordUse",
        "requirePassword",
        "usePassword",
        "allowpassword",
        "firewallPreSharedKeyEncodingMethod",
        "recoveryPasswordUsage",
        "userRightsCreateToken",
        "hidePersonalRecoveryKey",
        "licenseType",
        "pinRequired",
        "key",
        "password🔒s",
        "",
        "minimumPinLength",
        "pinMinimumLength",
        "passwordExpirationDays",
        "passwordHistoryCount",
        "PasswordComplexity",
        "passwordPolicy",
        "passcodeRequiredType",
        "tokenMode",
        "keyUsage",
        "publicKeyToken",
        "simplePinBlocked",
        "device_vendor_msft_x_require_password",
        "x_y_allowpassword",
    ] {
        assert!(!is_secret_property(name) && !is_secret_id(name), "{name}");
    }
    assert!(!is_secret_id("vendor_msft_x_token"));
}

#[test]
fn names_of_secrets_are_known_in_every_spelling() {
    for name in [
        "password",
        "Password",
        "PAYLOAD_CERTIFICATE_PASSWORD",
        "PayloadCertificatePassword",
        "SharedSecret",
        "Challenge",
        "client-secret",
        "com.contoso.app.apiToken",
        "./Vendor/MSFT/Accounts/Users/A/Password",
        "wifi_psk",
        "adminPass",
        "pw",
        "exit_lock_task_mode_code",
        "AdminPassword2",
        "passwordValue",
        "passwords",
        "UnlockPIN",
        "keyMaterial",
        "preSharedKey",
        "passwordHash",
        "./Vendor/MSFT/WindowsLicensing/UpgradeEditionWithLicense",
        "./Device/Vendor/MSFT/WindowsAdvancedThreatProtection/Offboarding",
        "Authorization",
        "ldapBindPw",
        "PIDKEY",
        "SKEY",
        "unlockCode",
        "contraseña",
    ] {
        assert!(is_secret_name(name), "{name}");
    }
    for name in [
        "passwordMinimumLength",
        "bypass",
        "mapping",
        "publicKeyToken",
        "TokenLifetime",
        "key",
        "registryKey",
        "keys",
        "PasswordPolicy",
        "tokenType",
        "compass",
        "shipping",
        "allowFingerprint",
        "",
        "Passwort\u{e4}ndern",
        "1Password",
        "LastPass",
        "ProxyByPass",
        "exitCode",
        "countryCode",
        "localUserAuthorizations",
        "desenha",
        "device_vendor_msft_windowsadvancedthreatprotection_configuration_samplesharing",
    ] {
        assert!(!is_secret_name(name), "{name}");
    }
}

#[test]
fn a_word_about_a_secret_is_a_word_of_its_own() {
    for (name, value, may_be) in [
        ("requirePassword", "onWakeup", false),
        ("requirePassword", "hunter2", true),
        ("REQUIRE_PASSWORD", "onWakeup", false),
        ("USE_PASSWORD", "always", false),
        ("USER_PASSWORD", "correcthorse", true),
        ("issuerPassword", "correcthorse", true),
        ("userPassword", "correcthorse", true),
        ("unlockPin", "allowed", false),
        ("unlockPin", "1234", true),
        ("minimum_length_for_session_PIN", "4", false),
        ("pin", "Taskbar", false),
        ("RecoveryKey", "Escrowed", false),
        ("RequirePassword", "dword:00000001", false),
        ("changePassword", "https://contoso.com/x", false),
        ("delayBeforePassword", "3600", false),
        ("password", "<your password here>", false),
        ("password", "{{userpassword}}", false),
        ("password", "****", false),
        ("Authorization", "required", false),
        ("Authorization", "Negotiate", false),
        ("Authorization", "Basic aHVudGVyMg==", true),
    ] {
        assert_eq!(may_be_secret(name, value), may_be, "{name}: {value}");
    }
}
