package tester.harness;

import java.util.HashMap;
import java.util.Map;

/**
 * Just enough JSON for the job protocol: reads one flat object of strings, writes strings.
 *
 * <p>A library would be more code to load than the whole warm-up may cost, and one more thing that user code could
 * reach and patch.
 */
final class Json {
    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** Reads one object whose values are strings, as every job frame is. */
    static Map<String, String> readFlatObject(String text) {
        Json json = new Json(text);
        Map<String, String> map = new HashMap<>();
        json.expect('{');
        if (json.peek() == '}') {
            return map;
        }
        while (true) {
            json.peek();
            String key = json.string();
            json.expect(':');
            json.peek();
            map.put(key, json.string());
            char next = json.peek();
            json.at++;
            if (next == '}') {
                return map;
            }
            if (next != ',') {
                throw json.bad();
            }
        }
    }

    private char peek() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        if (at >= text.length()) {
            throw bad();
        }
        return text.charAt(at);
    }

    private void expect(char wanted) {
        if (peek() != wanted) {
            throw bad();
        }
        at++;
    }

    private String string() {
        expect('"');
        int plain = at;
        while (plain < text.length() && text.charAt(plain) != '"' && text.charAt(plain) != '\\') {
            plain++;
        }
        StringBuilder out = new StringBuilder(Math.max(16, plain - at + 64));
        out.append(text, at, plain);
        at = plain;
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == '"') {
                return out.toString();
            }
            if (c != '\\') {
                out.append(c);
                continue;
            }
            if (at >= text.length()) {
                break;
            }
            char escaped = text.charAt(at++);
            switch (escaped) {
                case 'n': out.append('\n'); break;
                case 't': out.append('\t'); break;
                case 'r': out.append('\r'); break;
                case 'b': out.append('\b'); break;
                case 'f': out.append('\f'); break;
                case 'u':
                    if (at + 4 > text.length()) {
                        throw bad();
                    }
                    out.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                    at += 4;
                    break;
                default: out.append(escaped);
            }
        }
        throw bad();
    }

    private IllegalArgumentException bad() {
        return new IllegalArgumentException("malformed JSON at character " + at);
    }

    /** Appends a quoted string, or null. A lone surrogate has no UTF-8 form, so it becomes U+FFFD. */
    static StringBuilder quote(StringBuilder out, String value) {
        if (value == null) {
            return out.append("null");
        }
        out.append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c == '\n') {
                out.append("\\n");
            } else if (c == '\t') {
                out.append("\\t");
            } else if (c < 0x20 || c == 0x7f) {
                out.append("\\u00").append(Character.forDigit(c >> 4, 16)).append(Character.forDigit(c & 15, 16));
            } else if (!Character.isSurrogate(c)) {
                out.append(c);
            } else if (Character.isHighSurrogate(c) && i + 1 < value.length()
                    && Character.isLowSurrogate(value.charAt(i + 1))) {
                out.append(c).append(value.charAt(++i));
            } else {
                out.append('\ufffd');
            }
        }
        return out.append('"');
    }
}
