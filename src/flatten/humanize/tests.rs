//! What words from ids, properties and values must look like.

use super::{humanize, option_words, property_words, value_words};

fn assert_names(pairs: &[(&str, &str)]) {
    for (id, name) in pairs {
        assert_eq!(humanize(id), *name, "{id}");
    }
}

#[test]
fn plumbing_in_front_of_a_name_is_dropped() {
    assert_names(&[
        ("device_vendor_msft_policy_config_wifi", "Wifi"),
        ("device_vendor_msft_policy_config_camera_allowcamera", "Allow Camera"),
        ("user_vendor_msft_policy_config_admx_sample_turnoffscreencapture_2", "Turn Off Screen Capture"),
        ("device_vendor_msft_policy_config_edge~policy~edge~printing_printheaderfooter", "Print Header Footer"),
        ("device_vendor_msft_policy_config_word9~policy~l_word~l_view_l_showstatusbar", "Show Status Bar"),
        (
            "device_vendor_msft_policy_config_e~policy~e_recommended_homebuttonenabled_recommended",
            "Home Button Enabled",
        ),
        ("vendor_msft_firewall_rules_{firewallrulename}_localport", "Local Port"),
        ("deviceConfiguration--windows10EndpointProtectionConfiguration_firewallBlockAll", "Firewall Block All"),
        ("user_vendor_msft_policy_config_word9~policy~l_word~l_trust_l_trustedloc03_l_pathtofiles318", "Path To Files"),
        ("user_vendor_msft_policy_config_word9~policy~l_word~l_trust_l_trustedloc03", "Trusted Location 3"),
        ("com.apple.screensaver_askforpassword", "Ask For Password"),
    ]);
}

#[test]
fn names_and_acronyms_are_written_as_their_owners_do() {
    assert_names(&[
        ("device_vendor_msft_bitlocker_allowbitlockertpm", "Allow BitLocker TPM"),
        ("x_disableonedrivesync", "Disable OneDrive Sync"),
        ("x_enabletlsovervpn", "Enable TLS Over VPN"),
        ("x_preferipv6dns", "Prefer IPv6 DNS"),
        ("x_requirepinforicloud", "Require PIN For iCloud"),
        ("x_minimummacosversion", "Minimum macOS Version"),
    ]);
}

#[test]
fn capitals_in_an_id_are_word_boundaries_and_scope_and_vendor_have_any_case() {
    assert_names(&[
        ("com.apple.mcx_DisableGuestAccount", "Disable Guest Account"),
        ("passwordMinimumLength", "Password Minimum Length"),
        ("DEVICE_VENDOR_MSFT_POLICY_CONFIG_WIFI", "Wifi"),
        ("Device_Vendor_MSFT_Policy_Config_System_AllowLocation", "Allow Location"),
    ]);
}

#[test]
fn a_policy_that_is_named_by_two_segments_keeps_both() {
    assert_names(&[
        ("device_vendor_msft_policy_config_audit_objectaccess_auditfileshare", "Object Access Audit File Share"),
        ("device_vendor_msft_policy_config_privacy_letappsaccessphone_forceallow", "Let Apps Access Phone Force Allow"),
    ]);
}

#[test]
fn an_element_is_called_by_what_it_adds_to_its_policy() {
    assert_names(&[
        ("device_vendor_msft_policy_config_admx_sample_defaultscreencolor_2_defaultscreencolorred", "Red"),
        ("device_vendor_msft_policy_config_admx_sample_wallpaper_wallpaperstyle", "Wallpaper Style"),
        ("device_vendor_msft_policy_config_admx_sample_querytimeout_querytimeoutlevel", "Query Timeout Level"),
        (
            "user_vendor_msft_policy_config_word9~policy~l_word~l_view_l_querytimeout_l_querytimeoutspinid",
            "Query Timeout",
        ),
        ("user_vendor_msft_policy_config_word9~policy~l_word~l_view_l_monthnames_l_monthnames17", "Month Names"),
        ("user_vendor_msft_policy_config_word9~policy~l_word~l_querycache_l_querycachesize", "Query Cache Size"),
    ]);
}

#[test]
fn a_name_is_not_cut_to_a_word_that_says_nothing() {
    assert_names(&[
        ("device_vendor_msft_policy_config_admx_terminalserver_ts_time_zone", "Ts Time Zone"),
        ("device_vendor_msft_policy_config_admx_terminalserver_ts_start_program_2_ts_folder", "Ts Folder"),
        ("device_vendor_msft_policy_config_admx_tcpip_sample_state", "Sample State"),
        ("device_vendor_msft_policy_config_admx_mmcsnapins_mmc_telephony", "Telephony"),
        ("linux_deviceencryption_required", "Device Encryption Required"),
        ("device_vendor_msft_policy_config_remotemanagement_allowbasicauth_client", "Allow Basic Auth Client"),
        ("device_vendor_msft_laps_policies_passwordagedays_aad", "Password Age Days AAD"),
        ("device_vendor_msft_policy_config_admx_removablestorage_tapes_denywrite_access_2", "Tapes Deny Write Access"),
        ("vendor_msft_firewall_mdmstore_publicprofile_enablefirewall", "Enable Public Network Firewall"),
        ("vendor_msft_firewall_mdmstore_firewallrules_{firewallrulename}_action_type", "Action"),
        ("com.apple.mcxmenuextras_battery.menu", "Battery"),
        ("com.apple.extensiblesso_extensiondata_principalname_kerberos", "Principal Name"),
        (
            "device_vendor_msft_policy_config_internetexplorer_mimesniffinginternetexplorerprocesses",
            "Internet Explorer Processes",
        ),
    ]);
}

#[test]
fn texts_of_templates_have_hyphens_and_names_made_of_camel_case_have_not() {
    assert_names(&[
        ("device_vendor_msft_policy_config_sample_allownonmicrosoftaccounts", "Allow Non Microsoft Accounts"),
        (
            "user_vendor_msft_policy_config_word9~policy~l_word_l_stopreportingnoncriticalerrors",
            "Stop Reporting Non-Critical Errors",
        ),
    ]);
}

#[test]
fn a_letter_and_a_number_are_one_word() {
    assert_names(&[
        ("x_disable3dgraphics", "Disable 3D Graphics"),
        ("x_openm365links", "Open M365 Links"),
        ("x_allow2apps", "Allow 2 Apps"),
        ("x_allowpku2u", "Allow PKU2U"),
    ]);
}

#[test]
fn a_collection_is_called_by_its_placeholder_and_a_program_by_its_file() {
    assert_names(&[
        ("vendor_msft_firewall_rules_{firewallrulename}", "Firewall Rule Name"),
        ("user_vendor_msft_policy_config_office9~policy~l_office_l_blocklist_l_excelexe", "excel.exe"),
    ]);
}

#[test]
fn properties_become_capitalised_words() {
    let pairs = [
        ("passwordMinimumLength", "Password Minimum Length"),
        ("osMinimumVersion", "OS Minimum Version"),
        ("bitLockerEnabled", "BitLocker Enabled"),
        ("wiFiSecurityType", "Wi-Fi Security Type"),
        ("wifiSecurityType", "Wi-Fi Security Type"),
        ("easServices", "EAS Services"),
        ("sanType", "SAN Type"),
        ("dhGroup", "DH Group"),
        ("notificationMessageCCList", "Notification Message CC List"),
        ("iCloudBlockBackup", "iCloud Block Backup"),
        ("smbV1Enabled", "SMBv1 Enabled"),
        ("v10_0", "V10.0"),
        ("requireVPNAlways", "Require VPN Always"),
        ("allowedURLs", "Allowed URLs"),
        ("windowsSMode", "Windows S Mode"),
        ("customUpdateTimeWindows", "Custom Update Time Windows"),
        ("", ""),
        ("@", "@"),
    ];
    for (property, words) in pairs {
        assert_eq!(property_words(property), words, "{property}");
    }
}

#[test]
fn members_of_enumerations_become_sentences() {
    let pairs = [
        ("successAndFailure", "Success and failure"),
        ("notConfigured", "Not configured"),
        ("deviceDefault", "Device default"),
        ("unspecified", "Unspecified"),
        ("none", "None"),
        ("tls1_2", "TLS 1.2"),
        ("windows10", "Windows 10"),
        ("wpa2Enterprise", "WPA2 enterprise"),
        ("deviceCodeFlow,authenticationTransfer", "Device code flow, Authentication transfer"),
        ("medium, high", "Medium, High"),
        ("macAppStore", "Mac App Store"),
        ("macAddress", "MAC address"),
        ("requireWindowsHello", "Require Windows Hello"),
        ("windowsHelloForBusiness", "Windows Hello for Business"),
        ("windowsSMode", "Windows S Mode"),
    ];
    for (value, words) in pairs {
        assert_eq!(value_words(value), words, "{value}");
    }
}

#[test]
fn what_is_no_member_of_an_enumeration_stays_as_it_is() {
    let values = [
        "",
        "Contoso Root CA",
        "some text",
        "https://contoso.com/aB",
        "C:\\Windows\\System32",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "1.10.2",
        "42",
        "report.docx",
        "aGVsbG8gd29ybGQ",
        "aGVsbG8",
        "d41d8cd98f00b204e9800998ecf8427e",
        "user_name",
        "acmecorp",
        "jdoe",
        "allowed,acmecorp",
        "Either, or",
        "grüße",
    ];
    for value in values {
        assert_eq!(value_words(value), value);
    }
}

#[test]
fn a_choice_is_what_it_says_beyond_its_definition() {
    let choices = [
        ("a_mode", "a_mode_0", "0"),
        ("a_mode", "a_mode_2147483647", "2147483647"),
        ("a_mode", "a_mode_true", "True"),
        ("a_mode", "a_mode_block", "Block"),
        ("a_mode", "A_Mode_userdefined", "User defined"),
        ("a_mode", "a_mode_usewindowshello", "Use Windows Hello"),
        ("a_mode", "a_mode_tls1.2", "TLS 1.2"),
        ("a_mode", "a_mode_", ""),
        ("a_mode", "a_mode", ""),
        ("a_mode", "a_mode_block embedded media only", "Block embedded media only"),
        ("a_mode", "a_mode_modedrop_3", "3"),
        ("r_{name}_appliesto", "r_{name}_allusers", "All users"),
        ("sso_ignored_$typepicker", "sso_ignored_0", "0"),
        ("x", "other.thing_allowall", "Allow All"),
    ];
    for (definition, choice, words) in choices {
        assert_eq!(option_words(definition, choice), words, "{choice} of {definition}");
    }
}

#[test]
fn odd_ids_give_a_clean_name_and_never_a_panic() {
    let pieces = [
        "_",
        "~",
        "~policy~",
        "policy",
        "device_",
        "vendor_msft_",
        "policy_config_",
        "admx_",
        "l_",
        "--",
        "{x}",
        "{",
        "}",
        "$",
        ".",
        "é",
        "ß",
        "İ",
        "日本",
        "🔒",
        "\u{0}",
        " ",
        "A",
        "aB",
        "7",
        "exe",
        "name",
        "list",
        "key",
        "desc",
        "fslogix",
        "internetexplorer_",
        "internetzone",
        "com.apple.",
        "allowcloudprotection",
        "\u{301}",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..20_000 {
        let mut id = String::new();
        for _ in 0..=round % 9 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            id.push_str(pieces[usize::try_from(state >> 33).unwrap() % pieces.len()]);
        }
        let name = humanize(&id);
        assert!(!name.is_empty() && !name.contains(['_', '~']), "{id:?} gives {name:?}");
        property_words(&id);
        value_words(&id);
        option_words(&id, &name);
        option_words(&name, &id);
    }
}

#[test]
fn enormous_ids_are_no_burden() {
    for piece in ["a", "_", "~", "aB", "iOS", "é", "a_", "--", "1.", "{", "un", "policy~"] {
        let id = piece.repeat(1_000_000);
        let name = humanize(&id);
        assert!(!name.is_empty() && name.len() < 2_000, "{piece}");
        assert!(property_words(&id).len() <= id.len());
        assert_eq!(value_words(&id), id);
        option_words(&id, &id);
    }
}
