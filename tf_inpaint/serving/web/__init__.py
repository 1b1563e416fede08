"""The page of `tf-inpaint web`: `workbench` is what it does, `page` what it looks like (Gradio, an extra), `examples` its pictures."""
