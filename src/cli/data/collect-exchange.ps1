# Gathers what "sealpost diagnose" needs to judge TLS certificates on Exchange servers.
#
#   Reads only; changes nothing. Rights of "View-Only Organization Management" are enough.
#   Run it in the Exchange Management Shell of any server:
#
#       .\collect-exchange.ps1                        all servers, into exchange-diagnosis.txt
#       .\collect-exchange.ps1 -Server EX1,EX2        these servers only
#       .\collect-exchange.ps1 -Days 14 -File C:\Temp\case.txt
#
#   Then, where Sealpost is:   sealpost diagnose exchange-diagnosis.txt
#   No private key, password or mail is read. Look the file through before you hand it on.

param(
    [string[]] $Server,
    [int] $Days = 7,
    [string] $File = 'exchange-diagnosis.txt'
)

# Long lists are cut at 4 or 16 items otherwise, and a cut list of names proves nothing.
$FormatEnumerationLimit = -1
$moment = 'yyyy-MM-ddTHH:mm:ssK'

# Each part begins with the command that made it, as if it had been typed: the reader goes by that.
function Add-Part([string] $Command, [scriptblock] $Action) {
    "[PS] C:\>$Command"
    ''
    try {
        & $Action | Out-String -Width 4096
    } catch {
        "# could not be read: $($_.Exception.Message)"
        ''
    }
}

$edge = Test-Path 'HKLM:\SOFTWARE\Microsoft\ExchangeServer\v15\EdgeTransportRole'
if (-not $Server) {
    $Server = if ($edge) { @($env:COMPUTERNAME) } else { Get-ExchangeServer | ForEach-Object { $_.Name } }
}

$parts = @(
    Add-Part 'Get-ExchangeServer | FL Name,Fqdn,ServerRole,AdminDisplayVersion' {
        Get-ExchangeServer | Format-List Name, Fqdn, ServerRole, AdminDisplayVersion
    }
    foreach ($name in $Server) {
        Write-Progress -Activity 'Collecting' -Status $name
        Add-Part "Get-ExchangeCertificate -Server $name | FL *" {
            Get-ExchangeCertificate -Server $name | Format-List @(
                @{ n = 'Server'; e = { $name } }
                'Thumbprint', 'Subject', 'Issuer', 'SerialNumber', 'FriendlyName', 'CertificateDomains'
                'HasPrivateKey', 'IsSelfSigned', 'RootCAType', 'Services', 'Status', 'PublicKeySize'
                @{ n = 'NotBefore'; e = { $_.NotBefore.ToString($moment) } }
                @{ n = 'NotAfter'; e = { $_.NotAfter.ToString($moment) } }
                @{ n = 'SignatureAlgorithm'; e = { $_.SignatureAlgorithm.FriendlyName } }
                # The certificate itself, which is public: it answers what a print leaves open.
                @{ n = 'RawData'; e = { [Convert]::ToBase64String($_.RawData) } }
            )
        }
        Add-Part "Get-ReceiveConnector -Server $name | FL *" {
            Get-ReceiveConnector -Server $name | Format-List *
        }
        Add-Part "Get-TransportService $name | FL Name,InternalTransportCertificateThumbprint" {
            Get-TransportService $name | Format-List Name, InternalTransportCertificateThumbprint
        }
        Add-Part "Get-WinEvent -ComputerName $name" {
            $wanted = @{
                LogName      = 'Application'
                ProviderName = 'MSExchangeTransport', 'MSExchangeFrontEndTransport', 'MSExchange EdgeSync'
                StartTime    = (Get-Date).AddDays(-$Days)
                Level        = 1, 2, 3
            }
            # The newest of each number and text: one of a thousand equal events is enough.
            Get-WinEvent -ComputerName $name -FilterHashtable $wanted -ErrorAction SilentlyContinue |
                Group-Object Id, Message | Sort-Object Count -Descending | Select-Object -First 100 |
                ForEach-Object {
                    $_.Group[0] | Format-List @(
                        @{ n = 'Source'; e = { $_.ProviderName } }
                        @{ n = 'Date'; e = { $_.TimeCreated.ToString($moment) } }
                        @{ n = 'Event ID'; e = { $_.Id } }
                        @{ n = 'Level'; e = { $_.LevelDisplayName } }
                        @{ n = 'Computer'; e = { $_.MachineName } }
                        @{ n = 'Description'; e = { $_.Message } }
                    )
                }
        }
    }
    Add-Part 'Get-SendConnector | FL *' { Get-SendConnector | Format-List * }
    Add-Part 'Get-AcceptedDomain | FL Name,DomainName,DomainType,Default' {
        Get-AcceptedDomain | Format-List Name, DomainName, DomainType, Default
    }
    Add-Part 'Get-Queue | FL Identity,DeliveryType,NextHopDomain,Status,MessageCount,LastError' {
        foreach ($name in $Server) {
            Get-Queue -Server $name -ErrorAction SilentlyContinue | Where-Object { $_.LastError } |
                Format-List Identity, DeliveryType, NextHopDomain, Status, MessageCount, LastError
        }
    }
)

$parts | Out-File -FilePath $File -Encoding utf8 -Width 4096
"Written to $File ($($Server.Count) servers). Look it through, then: sealpost diagnose $File"
