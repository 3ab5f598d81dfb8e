# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for lodge; the options come from the program's own help.

_lodge()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words=

	if [ "$COMP_CWORD" -eq 1 ]; then
		COMPREPLY=($(compgen -W 'run help version' -- "$cur"))
		return
	fi
	[ "${COMP_WORDS[1]}" = run ] || return
	case $prev in
	--cpu-model) words='486 pentium3 x86-64-v2 x86-64-v3' ;;
	--vga) words='std cirrus none' ;;
	--display) words='none text vnc vnc=unix: vnc=127.0.0.1:' ;;
	--serial) words='stdio none file: unix:' ;;
	--parallel) words='file:' ;;
	--monitor) words='stdio unix:' ;;
	--debugcon) words='stdio stderr file:' ;;
	--engine) words='auto interp jit' ;;
	--jit) words='cache= threshold= block= chain=off exact-flags verify perf' ;;
	--clock) words='host insns' ;;
	--rtc) words='utc localtime' ;;
	--boot) words='c d a c,d d,c a,c' ;;
	--trace) words="all $("${COMP_WORDS[0]}" run --help 2>/dev/null | sed -n 's/^trace classes://p')" ;;
	--memory) words='64M 256M 512M 1G 2G' ;;
	--cpus) words='1 2 4' ;;
	esac
	if [ -n "$words" ]; then
		COMPREPLY=($(compgen -W "$words" -- "$cur"))
	elif [ "${cur#-}" != "$cur" ]; then
		COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" run --help 2>/dev/null |
			sed -n 's/^  \(--[a-z-]*\).*/\1/p')" -- "$cur"))
	else
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$cur"))
	fi
}
complete -F _lodge lodge
