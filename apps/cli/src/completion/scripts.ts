// What each shell is told. All of them ask `ocistore complete -- WORDS`, which answers with a line for each candidate: the
// word, a tab, what it is. Where it has nothing to offer they look for files.

const bash = `# bash: put  eval "$(ocistore completion bash)"  into ~/.bashrc
_ocistore() {
  local IFS=$' \\t\\n' line="\${COMP_LINE:0:COMP_POINT}" words cur mark until cut="" word
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  cur="\${words[\${#words[@]}-1]}"
  # To bash a word begins after the last of these, and only what comes then is replaced.
  for mark in : = @; do
    if [[ $COMP_WORDBREAKS == *"$mark"* && $cur == *"$mark"* ]]; then
      until="\${cur%"\${cur##*"$mark"}"}"
      ((\${#until} > \${#cut})) && cut="$until"
    fi
  done
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do
    COMPREPLY+=("\${word#"$cut"}")
  done < <("\${words[0]}" complete -- "\${words[@]:1}" 2>/dev/null)
  if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[:/] ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -o default -F _ocistore ocistore
`;

const zsh = `#compdef ocistore
# zsh: put  source <(ocistore completion zsh)  into ~/.zshrc, after compinit
_ocistore() {
  local -a open closed openshown closedshown
  local word about shown
  while IFS=$'\\t' read -r word about; do
    shown="$word\${about:+  -- $about}"
    if [[ $word == *[:/] ]]; then
      open+=("$word") openshown+=("$shown")
    else
      closed+=("$word") closedshown+=("$shown")
    fi
  done < <("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#open} + \${#closed} == 0 )); then
    _files
    return
  fi
  (( \${#open} )) && compadd -l -S '' -d openshown -a open
  (( \${#closed} )) && compadd -l -d closedshown -a closed
  return 0
}
compdef _ocistore ocistore
`;

const fish = `# fish: put  ocistore completion fish | source  into ~/.config/fish/config.fish
function __ocistore_complete
    set -l words (commandline -opc)
    set -l found ($words[1] complete -- $words[2..-1] (commandline -ct | string collect --allow-empty) 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c ocistore -f -a '(__ocistore_complete)'
`;

const powershell = `# PowerShell: put  ocistore completion powershell | Out-String | Invoke-Expression  into $PROFILE
Register-ArgumentCompleter -Native -CommandName ocistore -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
    # Older versions drop an empty word on the way to a program.
    if ($wordToComplete -eq '') { $words += '""' }
    ocistore complete -- @words 2>$null | ForEach-Object {
        $word, $about = $_ -split "\`t", 2
        if (-not $about) { $about = $word }
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $about)
    }
}
`;

/** By the name of the shell. */
export const SCRIPTS: Readonly<Record<string, string>> = { bash, zsh, fish, powershell };
