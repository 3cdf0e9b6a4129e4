import type { Sample } from './sample.ts'

export const java: Sample = {
  id: 'java',
  title: 'Java',
  needs: 'Java 17 or newer',
  file: 'Call.java',
  code: (tokenEndpoint) => `import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

public class Call {
    static final HttpClient client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
    static String kept;
    static Instant until = Instant.MIN;

    /** A token that lives for a minute at least; a new one only when there is none. */
    static synchronized String token() throws Exception {
        if (Instant.now().isBefore(until)) return kept;
        var form = Map.of(
                "grant_type", "client_credentials",
                "client_id", System.getenv("LATCHKEY_CLIENT_ID"),
                "client_secret", System.getenv("LATCHKEY_CLIENT_SECRET"));
        var body = form.entrySet().stream()
                .map(each -> each.getKey() + "=" + URLEncoder.encode(each.getValue(), StandardCharsets.UTF_8))
                .collect(Collectors.joining("&"));
        var request = HttpRequest.newBuilder(URI.create("${tokenEndpoint}"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .timeout(Duration.ofSeconds(10))
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        var answer = client.send(request, BodyHandlers.ofString());
        if (answer.statusCode() != 200) throw new IllegalStateException("no token: " + answer.body());
        kept = find("\\"access_token\\":\\"([^\\"]+)\\"", answer.body());
        until = Instant.now().plusSeconds(Long.parseLong(find("\\"expires_in\\":(\\\\d+)", answer.body())) - 60);
        return kept;
    }

    /** Where a JSON library is at hand, use that. */
    static String find(String pattern, String text) {
        var found = Pattern.compile(pattern).matcher(text);
        if (!found.find()) throw new IllegalStateException("not the answer of a token endpoint");
        return found.group(1);
    }

    public static void main(String[] args) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(System.getenv("API_URL")))
                .header("Authorization", "Bearer " + token())
                .timeout(Duration.ofSeconds(10))
                .build();
        var answer = client.send(request, BodyHandlers.ofString());
        if (answer.statusCode() != 200) throw new IllegalStateException("the API answered " + answer.statusCode());
        System.out.println(answer.body());
    }
}
`,
}
