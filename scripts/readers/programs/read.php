<?php
// php read.php WHICH < paths, one a line: prints NAME=VALUE and NUL for each variable that the named library finds.
$which = $argv[1];
require $which === 'vlucas' ? 'Dotenv/autoload.php' : 'Symfony/Component/Dotenv/autoload.php';
// Some texts make a parser loop for ever: that file is one that it does not read.
pcntl_async_signals(true);
pcntl_signal(SIGALRM, fn () => throw new RuntimeException());
foreach (array_filter(explode("\n", stream_get_contents(STDIN))) as $path) {
    try {
        pcntl_alarm(2);
        $text = file_get_contents($path);
        $pairs = $which === 'vlucas' ? Dotenv\Dotenv::parse($text) : (new Symfony\Component\Dotenv\Dotenv())->parse($text, $path);
        foreach ($pairs as $key => $value) {
            echo $key, '=', $value, "\0";
        }
    } catch (Throwable) {
        continue;
    }
}
