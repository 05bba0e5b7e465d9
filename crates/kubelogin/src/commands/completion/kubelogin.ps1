# PowerShell completion for kubelogin.

Register-ArgumentCompleter -Native -CommandName 'kubelogin' -ScriptBlock {
    param($typed, $line, $cursor)

    $words = @($line.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursor } |
        Select-Object -Skip 1 |
        ForEach-Object { $_.Extent.Text.Trim('"', "'") })
    # Older versions drop an empty word.
    $last = if ($typed -eq '') { '""' } else { $typed }
    $lines = @(& kubelogin __complete @words $last 2>$null)
    if ($lines.Count -eq 0) { return }

    $prefix = if ($typed -match '^(-[^=]*=)') { $Matches[1] } else { '' }
    # Nothing at all makes PowerShell offer files.
    if ($lines[-1] -ne ':4') { return }
    if ($lines.Count -eq 1) { return '' }
    $lines[0..($lines.Count - 2)] | ForEach-Object {
        $word, $about = $_ -split "`t", 2
        if (-not $about) { $about = $word }
        $shown = if ($word -match "^[\w./:@=+-]+$") { $word } else { "'" + $word.Replace("'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new("$prefix$shown", $word, 'ParameterValue', $about)
    }
}
