//! Which secrets of scripts and command lines are found, and what only looks like one.

use super::without_secrets;

/// In the middle of a script, where most of these stand.
fn kept(line: &str) -> Option<String> {
    let script = without_secrets(&format!("# install\n{line}\nexit 0\n"))?;
    Some(script["# install\n".len()..].trim_end_matches("\nexit 0\n").to_owned())
}

fn assert_withheld(lines: &[(&str, &str)]) {
    for (line, without) in lines {
        assert_eq!(kept(line).as_deref(), Some(*without), "{line}");
    }
}

#[test]
fn what_is_assigned_to_a_name_is_withheld_however_it_is_written() {
    assert_withheld(&[
        ("$pwd = 'hunter2'", "$pwd = '(secret)'"),
        ("$adminPw = \"hunter2\"", "$adminPw = \"(secret)\""),
        ("[string]$pw = 'hunter2'", "[string]$pw = '(secret)'"),
        ("$kennwort = 'hunter2'", "$kennwort = '(secret)'"),
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
    ] {
        assert_eq!(kept(line), None, "{line}");
    }
}
