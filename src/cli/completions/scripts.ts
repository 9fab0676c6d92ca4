/**
 * What a shell reads: each asks this binary for what may come next, so that it knows the names of the
 * config, and every option of the version that is installed. Where nothing is known, it offers files.
 */
export const scripts = {
  bash: `_mycelium() {
  local word
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do
    COMPREPLY+=("$word")
  done < <("$1" completions -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
}
complete -o default -F _mycelium mycelium`,

  zsh: `#compdef mycelium
_mycelium() {
  local word summary
  local -a found
  while IFS=$'\\t' read -r word summary; do
    found+=("\${word//:/\\\\:}:$summary")
  done < <("\${words[1]}" completions -- "\${(@)words[2,CURRENT]}" 2> /dev/null)
  if (( $#found )); then _describe mycelium found; else _files; fi
}
if [[ "\${funcstack[1]}" == _mycelium ]]; then _mycelium "$@"; else compdef _mycelium mycelium; fi`,

  fish: `function __mycelium_words
  set -l words (commandline -opc) (commandline -ct)
  set -l found ($words[1] completions -- $words[2..] 2> /dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c mycelium -f -a '(__mycelium_words)'`,
} as const

export type Shell = keyof typeof scripts

export function isShell(name: string): name is Shell {
  return Object.hasOwn(scripts, name)
}
export const shells: readonly string[] = Object.keys(scripts)
