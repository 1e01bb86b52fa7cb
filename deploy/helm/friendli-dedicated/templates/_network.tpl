{{- define "friendli.dns" -}}
- ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
{{- end }}

{{- /* A rule for peers, all if none is named, and one port: (list PEERS PORT) */}}
{{- define "friendli.from" -}}
- ports: [{port: {{ last . }}, protocol: TCP}]
  {{- with first . }}
  from: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "friendli.to" -}}
- ports: [{port: {{ last . }}, protocol: TCP}]
  {{- with first . }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
