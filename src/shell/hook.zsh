# The zsh half of the hook. swarm hook zsh prints it after the paths it works on (hook-script.ts), inside
# `emulate zsh -c`, so that it parses and runs alike whatever options and aliases this shell has set.
#
# On the way from Enter to the prompt it forks nothing, connects to nothing and waits for nobody: it
# appends one record to a file in the runtime folder (format: spool-record.ts). No file descriptor of the
# shell is redirected, nothing is printed but the notice of `swarm hook enable --notice`, and no command
# is run. Without a spool file, which only `swarm hook enable` makes, it does nothing.

if [[ -o interactive ]] &&
  zmodload -s -F zsh/system b:sysopen b:syswrite b:sysread &&
  zmodload -s -F zsh/datetime p:EPOCHREALTIME &&
  zmodload -s -F zsh/stat b:zstat &&
  zmodload -s -F zsh/files b:zf_mv; then

  typeset -g _swarm_line= _swarm_cwd= _swarm_index_stamp=
  typeset -gF _swarm_start=0
  typeset -ga _swarm_commands=()

  _swarm_preexec() {
    _swarm_line=
    if [[ -w $_swarm_folder/spool ]]; then
      # $1 is the line as typed; it is empty where there is no history.
      _swarm_line=${1:-$3} _swarm_cwd=$PWD _swarm_start=EPOCHREALTIME
      # The line is known to `make 2>&1 | swarm why` only if it is told before that runs.
      if [[ $_swarm_line == *'|'*swarm\ why* ]]; then _swarm_append asked 0 $_swarm_line; fi
    fi
    return 0
  }

  _swarm_precmd() {
    local -i code=$?
    local line=$_swarm_line
    _swarm_line=
    if [[ -n $line ]]; then _swarm_append ended $code $line; fi
    if [[ -s $_swarm_folder/notice.$$ ]]; then _swarm_notice; fi
    return 0
  }

  # $1 kind, $2 status, $3 command line.
  _swarm_append() {
    local file=$_swarm_folder/spool line=$3 size
    # Kept out on purpose (a leading space), or ended by a person: Ctrl-C, a closed pipe, Ctrl-Z.
    if [[ $line == [[:space:]]* || $2 == (130|141|148) ]]; then return 0; fi
    if [[ ! -f $file || ! -w $file || -L $file ]]; then return 0; fi
    line=${line[1,_swarm_command_chars_max]}
    if [[ $line == *$'\0'* ]]; then line=${line//$'\0'/ }; fi
    local -i fd wall='EPOCHREALTIME * 1000' took='(EPOCHREALTIME - _swarm_start) * 1000'
    local record=$'\0swarm1\0'$1$'\0'$$$'\0'$2$'\0'$wall$'\0'$took$'\0'
    record+=${_swarm_cwd[1,_swarm_cwd_chars_max]}$'\0'$line$'\0\n'
    if sysopen -w -a -o cloexec -u fd -- $file; then
      # On a full disk the record is torn or missing, and the reader passes over it.
      syswrite -o $fd -- $record
      zstat -A size -f $fd +size
      exec {fd}>&-
      # The next record then begins a new file; the one before it is kept.
      if (( size > _swarm_spool_bytes_max )) && [[ -w $_swarm_folder ]] &&
        zf_mv -f -- $file $file.old &&
        sysopen -w -o create,excl,cloexec -m 600 -u fd -- $file; then
        exec {fd}>&-
      fi
    fi
    return 0
  }

  # One line above the prompt, once: written for this shell by the peer, from this machine's own store.
  _swarm_notice() {
    local file=$_swarm_folder/notice.$$ text
    local -i fd
    if [[ -f $file && -w $file && ! -L $file ]] && sysopen -r -w -o cloexec -u fd -- $file; then
      sysread -i $fd -s 1024 text
      exec {fd}>&-
      if sysopen -w -o truncate,cloexec -u fd -- $file; then exec {fd}>&-; fi
      print -r -- ${(V)${text%%$'\n'*}}
    fi
    return 0
  }

  # For zsh-autosuggestions, which calls it with what is typed. Offers only from the file of commands that
  # succeeded on this machine (command-index.ts), newest first, and nothing after the deadline.
  _zsh_autosuggest_strategy_swarm() {
    local -F deadline='EPOCHREALTIME + _swarm_suggest_ms / 1000.0'
    local -A facts
    local offer
    typeset -g suggestion=
    if (( $#1 < 3 )) || [[ ! -w $_swarm_folder/spool || ! -f $_swarm_index ]]; then return 0; fi
    zstat -H facts -- $_swarm_index
    if (( facts[size] > _swarm_index_bytes_max )); then return 0; fi
    if [[ $facts[mtime]:$facts[inode] != $_swarm_index_stamp ]]; then
      # Read by the shell itself: this form of $(...) starts no process.
      _swarm_commands=( ${(f)"$(<$_swarm_index)"} )
      _swarm_index_stamp=$facts[mtime]:$facts[inode]
    fi
    offer=${_swarm_commands[(r)${(b)1}?*]}
    if (( EPOCHREALTIME < deadline )); then suggestion=$offer; fi
    return 0
  }

  typeset -ga precmd_functions preexec_functions
  # First of all, so that the work of others is not taken for the command's; and once, however often
  # this is evaluated.
  precmd_functions=(_swarm_precmd ${precmd_functions:#_swarm_precmd})
  preexec_functions=(${preexec_functions:#_swarm_preexec} _swarm_preexec)

  # After what the person chose; the plugin's own default is history alone.
  if (( ! ${+ZSH_AUTOSUGGEST_STRATEGY} )); then
    typeset -ga ZSH_AUTOSUGGEST_STRATEGY=(history)
  fi
  if [[ " ${ZSH_AUTOSUGGEST_STRATEGY} " != *' swarm '* ]]; then
    ZSH_AUTOSUGGEST_STRATEGY+=(swarm)
  fi
fi
