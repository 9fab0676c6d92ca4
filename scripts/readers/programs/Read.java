import io.github.cdimascio.dotenv.Dotenv;
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** java -cp .:dotenv-java.jar Read < paths, one a line: prints NAME=VALUE and NUL for each variable that dotenv-java finds. */
class Read {
    public static void main(String[] args) throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in));
        var out = new BufferedOutputStream(System.out);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            try {
                var found = Dotenv.configure().directory(Path.of(line).getParent().toString()).load();
                for (var entry : found.entries(Dotenv.Filter.DECLARED_IN_ENV_FILE)) {
                    out.write((entry.getKey() + "=" + entry.getValue() + "\0").getBytes(StandardCharsets.UTF_8));
                }
            } catch (RuntimeException refused) {
                continue;
            }
        }
        out.flush();
    }
}
