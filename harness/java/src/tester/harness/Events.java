package tester.harness;

import java.util.ArrayList;
import java.util.List;

/** Writes the events of the protocol, each within its bounds. */
final class Events {
    private static final int LONGEST_NAME = 500;
    private static final int LONGEST_MESSAGE = 500;
    private static final int LONGEST_DETAIL = 16_384;
    /** Characters of test descriptions in one frame; at worst 6 bytes each, so it stays below 256 KiB. */
    private static final int LONGEST_LIST = 40_000;
    private static final int MOST_IN_LIST = 2_000;

    /** One line of a `collected` event. */
    record Test(String id, String name, Integer line) {}

    private final Channel channel;

    Events(Channel channel) {
        this.channel = channel;
    }

    /** One frame, or several if one would be too long; one also if there is no test. */
    void collected(List<Test> tests) {
        List<String> parts = new ArrayList<>();
        int length = 0;
        for (Test test : tests) {
            StringBuilder part = new StringBuilder();
            Json.quote(part.append("{\"id\":"), Texts.cut(test.id, LONGEST_NAME));
            Json.quote(part.append(",\"name\":"), Texts.cut(test.name, LONGEST_NAME));
            part.append(",\"line\":").append(test.line).append('}');
            if (!parts.isEmpty() && (length + part.length() > LONGEST_LIST || parts.size() == MOST_IN_LIST)) {
                sendCollected(parts);
                parts.clear();
                length = 0;
            }
            parts.add(part.toString());
            length += part.length();
        }
        sendCollected(parts);
    }

    private void sendCollected(List<String> parts) {
        channel.sendEvent("{\"kind\":\"collected\",\"tests\":[" + String.join(",", parts) + "]}");
    }

    void started(String id) {
        channel.sendEvent(Json.quote(new StringBuilder("{\"kind\":\"started\",\"id\":"), Texts.cut(id, LONGEST_NAME))
                .append('}'));
    }

    void finished(String id, String status, double milliseconds, String message, String detail, Integer line) {
        StringBuilder event = new StringBuilder("{\"kind\":\"finished\",\"id\":");
        Json.quote(event, Texts.cut(id, LONGEST_NAME));
        Json.quote(event.append(",\"status\":"), status);
        event.append(",\"duration_ms\":").append(Math.round(milliseconds * 1000) / 1000.0);
        outcome(event, message, detail, line);
    }

    void broken(String phase, String part, Integer line, String message, String detail) {
        StringBuilder event = new StringBuilder("{\"kind\":\"broken\",\"phase\":");
        Json.quote(event, phase);
        Json.quote(event.append(",\"part\":"), part);
        outcome(event, message, detail, line);
    }

    private void outcome(StringBuilder event, String message, String detail, Integer line) {
        Json.quote(event.append(",\"message\":"), Texts.cut(Texts.firstLine(message), LONGEST_MESSAGE));
        Json.quote(event.append(",\"detail\":"), Texts.cut(detail, LONGEST_DETAIL));
        channel.sendEvent(event.append(",\"line\":").append(line).append('}'));
    }

    void tampered(String reason) {
        channel.sendEvent(Json.quote(new StringBuilder("{\"kind\":\"tampered\",\"reason\":"),
                Texts.cut(reason, LONGEST_MESSAGE)).append('}'));
    }

    void done() {
        channel.sendEvent("{\"kind\":\"done\"}");
    }
}
