# Drives interactive shells on pseudo-terminals (zsh/zpty) and times each from Enter to the next prompt.
# Arguments: rounds, then NAME=ZDOTDIR for each shell. Prints one line per measurement: name, command typed,
# microseconds. Reading costs the same in every shell; rounds are interleaved, and their order turns.

emulate -L zsh
zmodload zsh/zpty zsh/datetime || exit 1

integer rounds=$1 round took
shift
typeset -a names=()
typeset seen pair name line
typeset -F started

for pair; do
  name=${pair%%=*}
  names+=($name)
  zpty $name "ZDOTDIR=${(q)pair#*=} exec zsh -d -i"
  zpty -r $name seen '*=READY= *'
done

for (( round = 0; round < rounds; round++ )); do
  for line in true false; do
    for name in $names; do
      # The line is there before Enter is: what is timed begins with that key.
      zpty -w -n $name $line
      zpty -r $name seen "*${line[-1]}"
      started=EPOCHREALTIME
      zpty -w -n $name $'\r'
      zpty -r $name seen '*=READY= *'
      took='(EPOCHREALTIME - started) * 1000000'
      print -r -- $name $line $took
    done
  done
  names=($names[2,-1] $names[1])
done

for name in $names; do zpty -d $name; done
