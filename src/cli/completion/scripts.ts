/**
 * What `p2pnode completion` prints. The scripts ask the program at every Tab and hand on what it says: nothing in it is ever read as
 * shell, so that a name of somebody else's cannot be more than a name.
 */
import type { Shell } from './candidates.ts'

const bash = `# bash completion for p2pnode. To have it in every shell:
#   echo 'source <(p2pnode completion bash)' >> ~/.bashrc
# It needs p2pnode in your PATH. Rooms and people are those of the peer that is running.

_p2pnode() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      $'\\tfiles') compopt -o default 2>/dev/null ;;
      $'\\tdirs') compopt -o dirnames 2>/dev/null ;;
      *) COMPREPLY+=("$line") ;;
    esac
  done < <(command p2pnode __complete bash -- "\${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null </dev/null)
}

complete -F _p2pnode p2pnode
`

const zsh = `#compdef p2pnode
# zsh completion for p2pnode. To have it in every shell:
#   echo 'source <(p2pnode completion zsh)' >> ~/.zshrc      # below compinit
# or put it as _p2pnode into a directory of your fpath.
# It needs p2pnode in your PATH. Rooms and people are those of the peer that is running.

_p2pnode() {
  local line paths
  local -i at width=0 ret=1
  local -a typed values descriptions shown
  (( CURRENT > 2 )) && typed=("\${(@Q)words[2,CURRENT-1]}")
  while IFS= read -r line; do
    if [[ $line == $'\\t'* ]]; then
      paths=\${line#$'\\t'}
      continue
    fi
    values+=("\${line%%$'\\t'*}")
    descriptions+=("\${line#*$'\\t'}")
    (( \${(m)#values[-1]} > width )) && width=\${(m)#values[-1]}
  done < <(command p2pnode __complete zsh -- "\${typed[@]}" "\${(Q)PREFIX}" 2>/dev/null </dev/null)
  if (( $#values )); then
    for (( at = 1; at <= $#values; at++ )); do
      if [[ -n $descriptions[at] ]]; then
        shown+=("\${(mr:width:)values[at]}  $descriptions[at]")
      else
        shown+=("$values[at]")
      fi
    done
    compadd -l -d shown -a values && ret=0
  fi
  if [[ -n $paths ]]; then
    [[ $PREFIX == --*=* ]] && compset -P '*='
    if [[ $paths == dirs ]]; then
      _files -/ && ret=0
    else
      _files && ret=0
    fi
  fi
  return ret
}

if [[ $funcstack[1] == _p2pnode ]]; then
  _p2pnode "$@"
elif (( $+functions[compdef] )); then
  compdef _p2pnode p2pnode
fi
`

const fish = `# fish completion for p2pnode. To have it in every shell:
#   p2pnode completion fish > ~/.config/fish/completions/p2pnode.fish
# It needs p2pnode in your PATH. Rooms and people are those of the peer that is running.

function __p2pnode_complete
    set -l typed (commandline -opc)
    set -l current (commandline -ct | string collect)
    set -q current[1]; or set current ''
    set -l before (string match -r -- '^--[^=]*=' $current)
    set -q before[1]; or set before ''
    set -l path (string replace -r -- '^--[^=]*=' '' $current)
    for line in (command p2pnode __complete fish -- $typed[2..-1] $current 2>/dev/null </dev/null)
        switch $line
            case \\tfiles
                printf '%s\\n' $before(__fish_complete_path $path)
            case \\tdirs
                printf '%s\\n' $before(__fish_complete_directories $path '')
            case '*'
                printf '%s\\n' $line
        end
    end
end

complete -c p2pnode -f -a '(__p2pnode_complete)'
`

export const scripts: Readonly<Record<Shell, string>> = { bash, zsh, fish }
