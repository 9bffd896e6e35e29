package settings

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

const (
	// mostPathRunes and mostProblemRunes are the most characters of a fault's path and problem.
	mostPathRunes    = 120
	mostProblemRunes = 700
	// mostValueRunes is the most characters of a value in a problem. The end of a problem, which
	// says what would be right, stays.
	mostValueRunes = 240
)

// printable returns a text that is safe in a terminal and in the log of GitHub Actions: on one
// line, without control characters, and without "##[", with which a workflow command may begin
// anywhere in a line. (The other commands begin a line with "::".)
func printable(text string, most int) string {
	var out strings.Builder
	for _, r := range shorten(text, most) {
		if unicode.IsPrint(r) {
			out.WriteRune(r)
			continue
		}
		out.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
	}
	return strings.ReplaceAll(out.String(), "##", `#\x23`)
}

// shorten cuts the middle out of a long text.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most/2]) + " … " + string(runes[len(runes)-most/2:])
}

// shortened shortens the texts among the arguments of a message.
func shortened(args []any) []any {
	out := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			out[i] = shorten(v, mostValueRunes)
		case error:
			out[i] = shorten(v.Error(), mostProblemRunes)
		case fmt.Stringer:
			out[i] = shorten(v.String(), mostValueRunes)
		default:
			out[i] = arg
		}
	}
	return out
}
