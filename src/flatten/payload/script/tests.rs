//! Which secrets of scripts and command lines are found, and what only looks like one.

use super::{super::redaction, without_secrets};

/// In the middle of a script, where most of these stand.
fn kept(line: &str) -> Option<String> {
    let script = without_secrets(&format!("# install\n{line}\nexit 0\n"))?;
    Some(script["# install\n".len()..].trim_end_matches("\nexit 0\n").to_owned())
}

fn assert_withheld(lines: &[(&str, &str)]) {
    for (line, without) in lines {
        assert_eq!(kept(line).as_deref(), Some(*without), "{line}");
        // a command line may be all that a setting holds
        assert_eq!(redaction::without_secrets(line, 0).as_deref(), Some(*without), "alone: {line}");
    }
}

#[test]
fn what_is_assigned_to_a_name_is_withheld_however_it_is_written() {
    assert_withheld(&[
        ("$pwd = 'hunter2'", "$pwd = '(secret)'"),
        ("$adminPw = \"hunter2\"", "$adminPw = \"(secret)\""),
        ("[string]$pw = 'hunter2'", "[string]$pw = '(secret)'"),
        ("$kennwort = 'hunter2'", "$kennwort = '(secret)'"),
        ("$env:AZURE_CONNECTION_STRING = 'hunter2;x'", "$env:AZURE_CONNECTION_STRING = '(secret)'"),
        ("${password} = 'hunter2'", "${password} = '(secret)'"),
        ("$password = \"P@$$w0rd\"", "$password = \"(secret)\""),
        ("$password = \"abc`\"hunter2\"", "$password = \"(secret)\""),
        ("$password = 'it''s hunter2'", "$password = '(secret)'"),
        ("$password = (\"hunter2\")", "$password = (\"(secret)\")"),
        ("cmdkey /add:`\"s`\" /pass:`\"hunter2==`\"", "cmdkey /add:`\"s`\" /pass:`\"(secret)`\""),
        ("plink -pw hunter2 host", "plink -pw (secret) host"),
        (
            "Set-ItemProperty $p -Name DefaultPassword -Value hunter2",
            "Set-ItemProperty $p -Name DefaultPassword -Value (secret)",
        ),
        (
            "reg add HKLM\\x /v DefaultPassword /t REG_SZ /d hunter2 /f",
            "reg add HKLM\\x /v DefaultPassword /t REG_SZ /d (secret) /f",
        ),
        (
            "[Environment]::SetEnvironmentVariable(\"API_TOKEN\", \"hunter2\", 1)",
            "[Environment]::SetEnvironmentVariable(\"API_TOKEN\", \"(secret)\", 1)",
        ),
        ("setx API_KEY hunter2 /M", "setx API_KEY (secret) /M"),
        (
            "defaults write com.contoso.app Token -string hunter2",
            "defaults write com.contoso.app Token -string (secret)",
        ),
        ("PlistBuddy -c \"Add :Password string hunter2\" x", "PlistBuddy -c \"Add :Password string (secret)\" x"),
        ("curl -H \"x-api-key: hunter2\" https://contoso.com", "curl -H \"x-api-key: (secret)\" https://contoso.com"),
        ("@{\"x-functions-key\"=\"hunter2\"}", "@{\"x-functions-key\"=\"(secret)\"}"),
        ("<Password><Value>hunter2</Value></Password>", "<Password><Value>(secret)</Value></Password>"),
        ("$x = '<add key=\"ApiToken\" value=\"hunter2\" />'", "$x = '<add key=\"ApiToken\" value=\"(secret)\" />'"),
        ("$Admin1Password = 'hunter2'", "$Admin1Password = '(secret)'"),
        ("$adminPassword = $userPassword = 'hunter2'", "$adminPassword = $userPassword = '(secret)'"),
        ("setup --ask-password --api-key=hunter2", "setup --ask-password --api-key=(secret)"),
        ("$Password = ')hunter2'", "$Password = '(secret)'"),
        ("resetPin=483920", "resetPin=(secret)"),
        ("PASSWORD=Summer-Holiday", "PASSWORD=(secret)"),
        ("(/password hunter2)", "(/password (secret))"),
        ("https://contoso.com/a?password=hunter", "https://contoso.com/a?password=(secret)"),
        ("pin=swordfish", "pin=(secret)"),
        ("# Default admin password: hunter2", "# Default admin password: (secret)"),
        ("$userPw = \"hunter2\"", "$userPw = \"(secret)\""),
        ("$senha = 'hunter2'", "$senha = '(secret)'"),
        ("$contraseña = 'hunter2'", "$contraseña = '(secret)'"),
        (
            "$x = '{\"key\":\"apiToken\",\"value\":\"$ecretPa55\"}'",
            "$x = '{\"key\":\"apiToken\",\"value\":\"(secret)\"}'",
        ),
        ("SITE_ACTIVATION_CODE=hunter2", "SITE_ACTIVATION_CODE=(secret)"),
        ("setup SKEY=\"hunter2\"", "setup SKEY=\"(secret)\""),
    ]);
}

#[test]
fn what_is_written_to_the_registry_is_withheld_in_whatever_order() {
    assert_withheld(&[
        (
            "REG add \"HKLM\\x\" /v OnboardingInfo /t REG_SZ /f /d \"{\\\"body\\\":1}\"",
            "REG add \"HKLM\\x\" /v OnboardingInfo /t REG_SZ /f /d \"(secret)\"",
        ),
        (
            "reg add HKLM\\x /v DefaultPassword /f /t REG_SZ /d hunter2",
            "reg add HKLM\\x /v DefaultPassword /f /t REG_SZ /d (secret)",
        ),
        (
            "reg add HKLM\\x /t REG_SZ /d hunter2 /v DefaultPassword /f",
            "reg add HKLM\\x /t REG_SZ /d (secret) /v DefaultPassword /f",
        ),
        (
            "New-ItemProperty -Path $p -Value \"hunter2\" -Name \"DefaultPassword\" -Force",
            "New-ItemProperty -Path $p -Value \"(secret)\" -Name \"DefaultPassword\" -Force",
        ),
        (
            "Set-ItemProperty -Path $p -Name DefaultPassword -Type String -Force -Value \"hunter2\"",
            "Set-ItemProperty -Path $p -Name DefaultPassword -Type String -Force -Value \"(secret)\"",
        ),
        (
            "New-ItemProperty -Name DefaultPassword -Path \"HKLM:\\Windows NT\\Winlogon\" -Value hunter2",
            "New-ItemProperty -Name DefaultPassword -Path \"HKLM:\\Windows NT\\Winlogon\" -Value (secret)",
        ),
        ("Set-ItemProperty $p \"DefaultPassword\" \"hunter2\"", "Set-ItemProperty $p \"DefaultPassword\" \"(secret)\""),
        (
            "@{ Name = \"DefaultPassword\"; Type = \"String\"; Value = \"hunter2\" }",
            "@{ Name = \"DefaultPassword\"; Type = \"String\"; Value = \"(secret)\" }",
        ),
    ]);
}

#[test]
fn what_commands_take_is_withheld() {
    assert_withheld(&[
        (
            "ConvertTo-SecureString -AsPlainText -Force -String hunter2",
            "ConvertTo-SecureString -AsPlainText -Force -String (secret)",
        ),
        ("ConvertTo-SecureString \"P@$$w0rd\" -AsPlainText", "ConvertTo-SecureString \"(secret)\" -AsPlainText"),
        ("ConvertTo-SecureString `\n  -String \"hunter2\" `", "ConvertTo-SecureString `\n  -String \"(secret)\" `"),
        ("net1.exe user admin /add hunter2", "net1.exe user admin /add (secret)"),
        ("net use Z: \\\\srv\\share /user:DOM\\admin hunter2", "net use Z: \\\\srv\\share /user:DOM\\admin (secret)"),
        ("curl -u admin:hunter2 https://contoso.com", "curl -u admin:(secret) https://contoso.com"),
        ("curl \\\n  --user 'api:hunter2'", "curl \\\n  --user 'api:(secret)'"),
        ("psexec \\\\pc -u admin -p hunter2 cmd", "psexec \\\\pc -u admin -p (secret) cmd"),
        ("schtasks /create /tn x /ru admin /rp hunter2", "schtasks /create /tn x /ru admin /rp (secret)"),
        ("dscl . -passwd /Users/admin hunter2", "dscl . -passwd /Users/admin (secret)"),
        ("security unlock-keychain -p hunter2 login.keychain", "security unlock-keychain -p (secret) login.keychain"),
        ("echo \"root:hunter2\" | chpasswd", "echo \"root:(secret)\" | chpasswd"),
        ("echo 'hunter2' | sudo -S true", "echo '(secret)' | sudo -S true"),
        ("$user.SetPassword(\"hunter2\")", "$user.SetPassword(\"(secret)\")"),
        ("[Net.NetworkCredential]::new('user', 'hunter2')", "[Net.NetworkCredential]::new('user', '(secret)')"),
        ("https://u:hunter@2%40@contoso.com/x", "https://u:(secret)@contoso.com/x"),
        ("ftp://scan:12345@fileserver/x", "ftp://scan:(secret)@fileserver/x"),
        ("security add-generic-password -a a -s s -w hunter2", "security add-generic-password -a a -s s -w (secret)"),
        ("-----BEGIN PRIVATE KEY-----MIIEhunter2-----END", "-----BEGIN PRIVATE KEY-----(secret)-----END"),
        ("Authorization: Bearer hunter2", "Authorization: Bearer (secret)"),
        ("$t = 'ghp_hunter2hunter2hunter2hunter2hunter2'", "$t = '(secret)'"),
        ("$h.Add(\"Authorization\", \"SSWS hunter2hunter2\")", "$h.Add(\"Authorization\", \"SSWS (secret)\")"),
        ("slmgr /ipk hunte-hunte-hunte-hunte-hunte", "slmgr /ipk (secret)"),
        ("[Text.Encoding]::ASCII.GetBytes(\":hunter2\")", "[Text.Encoding]::ASCII.GetBytes(\":(secret)\")"),
        ("powershell -ec JABwAHcAPQAnAGgAdQBuAHQAZQByADIAJwA=", "powershell -ec (secret)"),
        ("cscript slmgr.vbs -ipk HUNT2-HUNT2-HUNT2-HUNT2-HUNT2", "cscript slmgr.vbs -ipk (secret)"),
        ("$s.InstallProductKey(\"HUNT2-HUNT2-HUNT2-HUNT2-HUNT2\")", "$s.InstallProductKey(\"(secret)\")"),
        ("certutil -f -p hunter2 -importpfx a.pfx", "certutil -f -p (secret) -importpfx a.pfx"),
        ("sqlcmd -S host -U sa -P hunter2", "sqlcmd -S host -U sa -P (secret)"),
        ("Autologon64.exe user domain hunter2", "Autologon64.exe user domain (secret)"),
        (
            "networksetup -setairportnetwork en0 \"My net\" hunter2",
            "networksetup -setairportnetwork en0 \"My net\" (secret)",
        ),
        ("sc.exe config svc obj= .\\svc password= hunter2", "sc.exe config svc obj= .\\svc password= (secret)"),
        (
            "osascript -e 'do shell script \"x\" user name \"a\" password \"hunter2\" with administrator privileges'",
            "osascript -e 'do shell script \"x\" user name \"a\" password \"(secret)\" with administrator privileges'",
        ),
        ("mount_smbfs //user:hunter2@srv/share /mnt", "mount_smbfs //user:(secret)@srv/share /mnt"),
        ("echo 'hunter2' | sudo realm join contoso.com", "echo '(secret)' | sudo realm join contoso.com"),
        ("echo \"hunter2\" | passwd --stdin root", "echo \"(secret)\" | passwd --stdin root"),
        (
            "$i.SetBIOSSetting(\"Setup Password\",\"<utf-16/>hunter2\")",
            "$i.SetBIOSSetting(\"Setup Password\",\"<utf-16/>(secret)\")",
        ),
        ("$b.SaveBiosSettings(\"hunter2,ascii,us\")", "$b.SaveBiosSettings(\"(secret)\")"),
        (
            "Set-Item DellSmbios:\\Security\\AdminPassword \"hunter2\"",
            "Set-Item DellSmbios:\\Security\\AdminPassword \"(secret)\"",
        ),
        ("objUser.SetPassword \"hunter2\"", "objUser.SetPassword \"(secret)\""),
        (
            "$net.MapNetworkDrive(\"Z:\",\"\\\\srv\\s\",$false,\"user\",\"hunter2\")",
            "$net.MapNetworkDrive(\"Z:\",\"\\\\srv\\s\",$false,\"user\",\"(secret)\")",
        ),
        ("[Text.Encoding]::ASCII.GetBytes(\"user:hunter2\")", "[Text.Encoding]::ASCII.GetBytes(\"user:(secret)\")"),
        ("powershell -enc JABwAHcAPQAnAGgAdQBuAHQAZQByADIAJwA=", "powershell -enc (secret)"),
        (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----hunter2-----END",
            "-----BEGIN PGP PRIVATE KEY BLOCK-----(secret)-----END",
        ),
        ("Private-Lines: 1\nhunter2\nPrivate-MAC: 1", "Private-Lines: 1\n(secret)\nPrivate-MAC: 1"),
    ]);
}

#[test]
fn what_only_looks_like_a_secret_is_kept() {
    for line in [
        "$headers = @{ Authorization = \"Bearer $accessToken\" }",
        "$h = @{ 'Authorization' = \"Bearer $($token.access_token)\"; 'Content-Type' = 'application/json' }",
        "$h = @{ \"Authorization\" = \"Bearer \" + $token }",
        "curl -H \"Authorization: Bearer ${token}\" https://contoso.com",
        "# Authorization: Basic authentication is disabled",
        "$p = Read-Host \"Enter the password:\" -AsSecureString",
        "Write-Host \"Password:\" -ForegroundColor Red",
        "read -s -p \"Password:\" pw",
        "for /f \"tokens=2*\" %%a in ('reg query x') do set y=%%b",
        "max_tokens=4096",
        "net user administrator\npause",
        "if (net user guest) { exit 1 }",
        "# use net user to create the account",
        "the net user experience is better",
        "curl -s https://contoso.com -o $(date -u +%Y-%m-%dT%H:%M:%SZ)",
        "curl -s https://contoso.com && docker run --user 1000:1000 x",
        "https://login.contoso.com:443?login_hint=user@contoso.com",
        "http://proxy:8080;a@b.c",
        "$apps = @{\"KeePass\"=\"DominikReichl.KeePass\"; \"1Password\"=\"AgileBits.1Password\"}",
        "$ProxyByPass = \"*.contoso.com\"",
        "\"RequirePassword\"=dword:00000001",
        "Write-Output \"RecoveryKey=OK\"",
        "$RegKey = \"HKLM:\\SOFTWARE\\Contoso\\Token\"; $ApiToken = $env:TOKEN",
        "PWD=/usr/local/bin ./get-token foo",
        "grep -E 'password=.*' /x",
        "if grep -q \"-----BEGIN RSA PRIVATE KEY-----\" f; then true; fi\necho done",
        "syspin.exe \"C:\\x.exe\" /pin \"Taskbar\"",
        "$fields = \"Password\",\"Secret\"",
        "$password = ConvertTo-SecureString $plain -AsPlainText -Force",
        "$forgotPasswordUrl = \"https://passwordreset.contoso.com\"; -changePassword https://contoso.com/x",
        "Use Bearer token-authentication-middleware here",
        "$exitCode = 1603; $qrCode = 'none'",
        "certutil -pulse; certutil -ping -config host",
        "powershell -enc VwByAGkAdABlAC0ASABvAHMAdAAgACcASABlAGwAbABvACcA",
        "sqlcmd -S host -E -i x.sql -p 4096x",
        "Write-Host \"Setting up autologon for kiosk user\"",
        "Write-Log \"SetPassword\" \"done by x\"",
        "[Text.Encoding]::UTF8.GetBytes(\"C:\\Temp\")",
        "[Text.Encoding]::UTF8.GetBytes(\"https://contoso.com\")",
        "Set-ItemProperty $p \"DisplayName\" \"Contoso\"",
        "@{ Name = \"PasswordAge\"; Value = \"42\" }",
        "$key = 'HKLM:\\A'; $id = '8A69D345-D564-463C-AFF1-A69D9E530F96'",
        "New-ItemProperty -Path $p -Value 1 -Name DisablePasswordReveal",
    ] {
        assert_eq!(kept(line), None, "{line}");
    }
}
