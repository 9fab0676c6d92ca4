// readers WHICH < paths, one a line: prints NAME=VALUE and NUL for each variable that the named library finds.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/docker/cli/opts"
	"github.com/hashicorp/go-envparse"
	"github.com/joho/godotenv"
	"github.com/subosito/gotenv"
)

var libraries = map[string]func(path string) (map[string]string, error){
	"godotenv": func(path string) (map[string]string, error) { return godotenv.Read(path) },
	"gotenv":   func(path string) (map[string]string, error) { return gotenv.Read(path) },
	"envparse": func(path string) (map[string]string, error) {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		return envparse.Parse(file)
	},
	"docker": func(path string) (map[string]string, error) {
		pairs, err := opts.ReadKVEnvStrings([]string{path}, nil)
		return opts.ConvertKVStringsToMap(pairs), err
	},
	"compose-env-file":      composeEnvFile,
	"compose-interpolation": composeInterpolation,
}

// A container's environment, as `docker compose config` would show it.
func composeEnvFile(path string) (map[string]string, error) {
	return service(path, fmt.Sprintf("    env_file: %q\n", path), cli.WithDiscardEnvFile)
}

// `${NAME}` in the Compose file, from the project's own .env.
func composeInterpolation(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	lines := "    environment:\n"
	for _, line := range strings.Split(string(text), "\n") {
		name, _, found := strings.Cut(line, "=")
		if found && strings.HasPrefix(name, "F") && !strings.ContainsAny(name, " \"'`$#\\{}:") {
			lines += fmt.Sprintf("      %s: \"${%s}\"\n", name, name)
		}
	}
	return service(path, lines, cli.WithEnvFiles(path), cli.WithDotEnv)
}

func service(path string, lines string, options ...cli.ProjectOptionsFn) (map[string]string, error) {
	file := filepath.Join(filepath.Dir(path), "compose.yaml")
	if err := os.WriteFile(file, []byte("services:\n  app:\n    image: none\n"+lines), 0o600); err != nil {
		return nil, err
	}
	defer os.Remove(file)
	all := append([]cli.ProjectOptionsFn{cli.WithName("readers"), cli.WithWorkingDirectory(filepath.Dir(path))}, options...)
	project, err := cli.NewProjectOptions([]string{file}, all...)
	if err != nil {
		return nil, err
	}
	loaded, err := project.LoadProject(context.Background())
	if err != nil {
		return nil, err
	}
	resolved, err := loaded.WithServicesEnvironmentResolved(false)
	if err != nil {
		return nil, err
	}
	pairs := map[string]string{}
	for name, value := range resolved.Services["app"].Environment {
		if value != nil {
			pairs[name] = *value
		}
	}
	return pairs, nil
}

func read(which string, path string) (pairs map[string]string, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("refused")
		}
	}()
	return libraries[which](path)
}

func main() {
	paths := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for paths.Scan() {
		pairs, err := read(os.Args[1], paths.Text())
		if err != nil {
			continue
		}
		for name, value := range pairs {
			fmt.Fprintf(out, "%s=%s\x00", name, value)
		}
	}
}
