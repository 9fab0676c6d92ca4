// kubectlreader < paths, one a line: prints NAME=VALUE and NUL for each variable that `kubectl create --from-env-file` finds.
package main

import (
	"bufio"
	"fmt"
	"os"

	"k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	paths := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for paths.Scan() {
		pairs := map[string]string{}
		err := util.AddFromEnvFile(paths.Text(), func(name, value string) error {
			pairs[name] = value
			return nil
		})
		if err != nil {
			continue
		}
		for name, value := range pairs {
			fmt.Fprintf(out, "%s=%s\x00", name, value)
		}
	}
}
