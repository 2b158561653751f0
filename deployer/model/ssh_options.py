"""The options of ssh_config by name: those that are followed, and those that change nothing about how we log in.

Compared without regard to case, as OpenSSH does. docs/ssh.md says what is done with each.
"""

from __future__ import annotations

FOLLOWED = frozenset(
    {
        "HostName", "User", "Port", "Tag", "AddressFamily", "BindAddress", "IdentityFile", "IdentitiesOnly",
        "IdentityAgent", "CertificateFile", "PreferredAuthentications", "PubkeyAuthentication",
        "PasswordAuthentication", "KbdInteractiveAuthentication", "ChallengeResponseAuthentication",
        "BatchMode", "ProxyJump", "ProxyCommand", "StrictHostKeyChecking", "UserKnownHostsFile",
        "GlobalKnownHostsFile", "HostKeyAlias", "ConnectTimeout", "ConnectionAttempts", "ServerAliveInterval",
        "ServerAliveCountMax", "Ciphers", "MACs", "KexAlgorithms", "HostKeyAlgorithms",
        "Compression",
    }
)  # fmt: skip

WITHOUT_EFFECT = frozenset(
    {
        "AddKeysToAgent", "CheckHostIP", "ClearAllForwardings", "ControlMaster", "ControlPath",
        "ControlPersist", "EnableEscapeCommandline", "EscapeChar", "ExitOnForwardFailure", "FingerprintHash",
        "ForwardAgent", "ForwardX11", "ForwardX11Timeout", "ForwardX11Trusted", "GSSAPIAuthentication",
        "GSSAPIDelegateCredentials", "GatewayPorts", "HashKnownHosts", "HostbasedAuthentication", "IPQoS",
        "IgnoreUnknown", "LogLevel", "LogVerbose", "NumberOfPasswordPrompts", "ObscureKeystrokeTiming",
        "PermitLocalCommand", "PubkeyAcceptedAlgorithms", "PubkeyAcceptedKeyTypes", "RekeyLimit", "RequestTTY",
        "SendEnv", "SetEnv", "StreamLocalBindMask", "StreamLocalBindUnlink", "SyslogFacility", "TCPKeepAlive",
        "UpdateHostKeys", "VisualHostKey", "XAuthLocation",
    }
)  # fmt: skip

SEVERAL = frozenset({"identityfile", "certificatefile"})  # may be given more than once; all count
CONFIG_FILE = "-F"  # no option of ssh_config: the file to read in place of the user's and the system's
