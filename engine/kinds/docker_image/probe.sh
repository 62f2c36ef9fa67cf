template='{"Id":{{json .Id}},"RepoDigests":{{json .RepoDigests}}}'
inspect_object image "$image" "$template"
if [ "$found" ]; then
  fact found "$found"
  if [ "$state" = absent ]; then
    users_of ancestor "$image"
    fact users "$users"
  fi
fi
case $state/$pull/$found in absent/* | */never/* | */missing/?*) exit 0 ;; esac
# What docker itself asks without TLS, this command only does if it is told to.
insecure=''
case $registry in
  127.* | localhost | localhost:*) insecure=1 ;;
  ?*)
    names=$(docker info --format '{{range .RegistryConfig.IndexConfigs}}{{if not .Secure}} {{.Name}} {{end}}{{end}}')
    case $names in *" $registry "*) insecure=1 ;; esac
    ;;
esac
if manifest=$(docker manifest inspect --verbose ${insecure:+--insecure} -- "$image" 2>&1); then
  platform=$(docker version --format '{{.Server.Os}}/{{.Server.Arch}}')
  fact platform "$platform"
  fact manifest "$manifest"
else
  fact why "$manifest"
fi
