# SPDX-License-Identifier: MIT
# The small changes that can be made to C in the style of this tree, one of each line of the output:
#
#	file  line  operator  the line as it would be
#
# with tabs between; the last may have more of them.  Only the bodies of functions are changed, and
# of these no comment, string, preprocessor's line, assertion, nor the name of a point.

# masked(TEXT): as long as it, with what is no code blanked out; in_comment goes on to the next line.
function masked(text,    i, c, out, quote)
{
	out = ""
	quote = ""
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (in_comment) {
			if (substr(text, i, 2) == "*/") {
				in_comment = 0
				out = out " "
				i++
			}
			out = out " "
		} else if (quote != "") {
			if (c == "\\") {
				out = out "_"
				i++
			} else if (c == quote)
				quote = ""
			out = out "_"
		} else if (substr(text, i, 2) == "/*") {
			in_comment = 1
			out = out "  "
			i++
		} else {
			if (c == "\"" || c == "'")
				quote = c
			out = out (quote == "" ? c : "_")
		}
	}
	return out
}

function tell(operator, at, size, replacement)
{
	print name "\t" FNR "\t" operator "\t" \
		substr($0, 1, at - 1) replacement substr($0, at + size)
}

# Each place of the token, of which one is no part of another, is replaced by each of the words.
function replace_each(operator, token, replacements,    rest, at, i, n, words)
{
	n = split(replacements, words, " ")
	for (at = 1; (i = index(substr(code, at), token)) > 0; at += i + length(token) - 1)
		for (rest = 1; rest <= n; rest++)
			tell(operator, at + i - 1, length(token),
				substr(token, 1, 1) == " " ? " " words[rest] " " : words[rest])
}

function replace_words(operator, word, replacement,    at, i, before, after)
{
	for (at = 1; (i = index(substr(code, at), word)) > 0; at += i + length(word) - 1) {
		before = at + i > 2 ? substr(code, at + i - 2, 1) : " "
		after = substr(code, at + i - 1 + length(word), 1)
		if (before !~ /[A-Za-z0-9_]/ && after !~ /[A-Za-z0-9_]/)
			tell(operator, at + i - 1, length(word), replacement)
	}
}

# Decimal numbers, one more and one less.
function change_numbers(    at, text, number, before, after)
{
	for (at = 1; match(substr(code, at), /[0-9]+/); at += RSTART + RLENGTH - 1) {
		text = substr(code, at + RSTART - 1, RLENGTH)
		before = at + RSTART > 2 ? substr(code, at + RSTART - 2, 1) : " "
		after = substr(code, at + RSTART - 1 + RLENGTH, 1)
		if (before ~ /[A-Za-z0-9_.]/ || after ~ /[A-Za-z_.]/ || text ~ /^0./)
			continue
		tell("constant", at + RSTART - 1, RLENGTH, text + 1)
		if (text > 0)
			tell("constant", at + RSTART - 1, RLENGTH, text - 1)
	}
}

# What is between the parenthesis here and its end is negated, if that is on the line.
function negate_condition(    at, i, depth, c)
{
	if (!match(code, /(if|while) \(/))
		return
	at = RSTART + RLENGTH
	depth = 1
	for (i = at; i <= length(code) && depth > 0; i++) {
		c = substr(code, i, 1)
		depth += (c == "(") - (c == ")")
	}
	if (depth == 0)
		tell("condition", at, i - 1 - at, "!(" substr($0, at, i - 1 - at) ")")
}

# A statement that is a line, and no declaration.
function delete_statement(    text, open, close_)
{
	text = code
	if (before !~ /[;{}:]$|\)$|else$|^$/ || text !~ /^\t+[A-Za-z_*(+-].*;$/)
		return
	open = gsub(/\(/, "(", text)
	close_ = gsub(/\)/, ")", text)
	if (open != close_ || text ~ /^\t+(return|break|continue|goto|else|do|while|for)[ ;]/ ||
	    text ~ /^\t+(const|static|struct|union|enum|unsigned|_Thread_local)[ ]/ ||
	    text ~ /^\t+[A-Za-z_0-9]+ [*]*[A-Za-z_0-9]+( =|,|;|\[)/)
		return
	match(code, /^\t+/)
	tell("deleted", RLENGTH + 1, length($0) - RLENGTH, ";")
}

FNR == 1 {
	name = FILENAME
	sub(/.*\/src\//, "", name)
	in_function = in_comment = 0
	before = ""
}

{
	code = masked($0)
	sub(/[ \t]+$/, "", code)
}

/^{/ { in_function = 1 }
/^}/ { in_function = 0 }

in_function && code !~ /^[ \t]*#/ && code !~ /(STEP|FAULT|SHORT|assert)\(/ && code ~ /[A-Za-z0-9]/ {
	replace_each("relation", " < ", "<= >")
	replace_each("relation", " <= ", "< >")
	replace_each("relation", " > ", ">= <")
	replace_each("relation", " >= ", "> <")
	replace_each("relation", " == ", "!=")
	replace_each("relation", " != ", "==")
	replace_each("arithmetic", " + ", "-")
	replace_each("arithmetic", " - ", "+")
	replace_each("arithmetic", " * ", "+")
	replace_each("arithmetic", " / ", "*")
	replace_each("arithmetic", " % ", "/")
	replace_each("arithmetic", " & ", "|")
	replace_each("arithmetic", " | ", "&")
	replace_each("arithmetic", " ^ ", "&")
	replace_each("arithmetic", " << ", ">>")
	replace_each("arithmetic", " >> ", "<<")
	replace_each("arithmetic", " += ", "-=")
	replace_each("arithmetic", " -= ", "+=")
	replace_each("arithmetic", " |= ", "&=")
	replace_each("arithmetic", " &= ", "|=")
	replace_each("arithmetic", "++", "--")
	replace_each("arithmetic", "--", "++")
	replace_each("logic", " && ", "||")
	replace_each("logic", " || ", "&&")
	replace_words("order", "memory_order_acquire", "memory_order_relaxed")
	replace_words("order", "memory_order_release", "memory_order_relaxed")
	replace_words("order", "memory_order_acq_rel", "memory_order_relaxed")
	replace_words("order", "memory_order_seq_cst", "memory_order_relaxed")
	replace_words("jump", "break", "continue")
	replace_words("jump", "continue", "break")
	replace_words("constant", "true", "false")
	replace_words("constant", "false", "true")
	change_numbers()
	negate_condition()
	delete_statement()
}

code ~ /[^ \t]/ { before = code }
