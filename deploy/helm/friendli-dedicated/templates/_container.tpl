{{- /* A container's variables. Its flags have the same names: `friendli serve --help`. */}}
{{- define "friendli.containerEnv" -}}
{{- $given := dict
      "HOST" "0.0.0.0"
      "PORT" 8000
      "METRICS_PORT" 8281
      "LOG_FORMAT" "json"
      "MODEL" .model
      "ADAPTER" (join "," .adapters)
      "DRAIN_SECONDS" .drainSeconds -}}
{{- range $name, $value := .settings }}{{ $_ := set $given (upper $name) $value }}{{ end -}}
{{- range $name, $value := $given }}
- name: FRIENDLI_{{ $name }}
  value: {{ kindIs "string" $value | ternary $value (kindIs "slice" $value | ternary (join "," $value) (toJson $value)) | quote }}
{{- end }}
{{- end }}
