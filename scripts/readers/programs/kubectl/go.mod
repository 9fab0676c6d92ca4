module kubectlreader

go 1.24

require k8s.io/kubectl v0.37.2
