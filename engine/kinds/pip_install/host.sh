need "$python"
